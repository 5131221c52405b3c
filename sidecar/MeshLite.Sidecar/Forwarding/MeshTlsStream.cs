using System.Net.Security;
using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// TLS with a peer sidecar, at either end, that can be reset, and that tells an end the peer meant (close_notify) from one it did not: RFC
/// 8446 §6.1 warns of truncation, and <see cref="SslStream"/> reads both as the end of the stream. Used as its base is.
/// </summary>
internal sealed class MeshTlsStream : SslStream
{
    private readonly TcpStream _tcp;

    private MeshTlsStream(TcpStream tcp)
        : base(tcp, leaveInnerStreamOpen: false) => _tcp = tcp;

    /// <summary>Over a connected socket, which it owns.</summary>
    public static MeshTlsStream Over(TcpSocket socket) => new(new TcpStream(socket));

    /// <summary>Whether TCP ended: after a read of nothing, that no close_notify came before it.</summary>
    public bool Truncated => _tcp.HasEnded;

    /// <summary>What the handshake proved, ended with the stream. Set once, when the handshake is done.</summary>
    public IDisposable? Proof { get; set; }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Proof?.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Proof?.Dispose();
        return base.DisposeAsync();
    }

    /// <summary>Ends the connection by RST.</summary>
    public void Reset() => _tcp.Socket.Reset();
}
