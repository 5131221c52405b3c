using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>A wire to a sidecar's inbound port that a test can cut: RST to both sides.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpApp _app;
    private readonly ConcurrentDictionary<Socket, byte> _open = new();
    private readonly SpiffeId _identity;

    public Relay(SidecarComponents to)
    {
        _identity = to.Identity.Current!.Id;
        _app = new TcpApp(async (socket, cancellation) =>
        {
            using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            await server.ConnectAsync(to.InboundAddress, cancellation);
            _open[socket] = _open[server] = 0;
            await using var from = new NetworkStream(socket);
            await using var back = new NetworkStream(server);
            try
            {
                await Task.WhenAny(from.CopyToAsync(back, cancellation), back.CopyToAsync(from, cancellation));
            }
            finally
            {
                _open.TryRemove(socket, out _);
                _open.TryRemove(server, out _);
            }
        });
    }

    /// <summary>What a service's endpoint is.</summary>
    public (IPEndPoint Address, SpiffeId Identity) Endpoint => (new IPEndPoint(IPAddress.Loopback, _app.Port), _identity);

    /// <summary>Cuts what is open; who connects anew gets through.</summary>
    public void Break()
    {
        foreach (var socket in _open.Keys)
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
            socket.Close(timeout: 0);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
