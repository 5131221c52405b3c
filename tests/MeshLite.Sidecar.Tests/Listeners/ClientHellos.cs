using System.Net.Security;
using System.Security.Authentication;

namespace MeshLite.Sidecar.Tests.Listeners;

/// <summary>ClientHellos as .NET's own TLS client sends them.</summary>
internal static class ClientHellos
{
    /// <summary>The first flight of a handshake that offers these protocols.</summary>
    public static async Task<byte[]> CaptureAsync(SslProtocols versions, params string[] alpn)
    {
        await using var wire = new CapturingStream();
        await using var tls = new SslStream(wire);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "orders.shop.svc.cluster.local",
            EnabledSslProtocols = versions,
            ApplicationProtocols = alpn.Length == 0 ? null : [.. alpn.Select(protocol => new SslApplicationProtocol(protocol))],
        };
        await Should.ThrowAsync<Exception>(() => tls.AuthenticateAsClientAsync(options));
        return wire.Written.ToArray();
    }

    /// <summary>Keeps what is written; to a reader it has ended.</summary>
    private sealed class CapturingStream : Stream
    {
        public MemoryStream Written { get; } = new();

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) => Written.Write(buffer, offset, count);

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
