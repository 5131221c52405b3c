using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>Opens connections to the control plane as a sidecar does: TLS 1.3, both sides proved, one HTTP/2 connection a stream. Thread-safe.</summary>
internal sealed class ControlPlaneDial(IPEndPoint address, PeerVerifier verifier, TimeProvider time)
{
    /// <summary>One, made when first used; dispose the invoker to end it.</summary>
    public (GrpcChannel Channel, HttpMessageInvoker Invoker) Open(SslStreamCertificateContext certificate)
    {
        var invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) => await ConnectAsync(certificate, cancellationToken),
            // Ten thousand at once on a few cores take longer than the 5 s that a sidecar has patience for.
            ConnectTimeout = TimeSpan.FromSeconds(60),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // As a sidecar's, but for how long it waits: what is late here is this process.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(60),
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
        });
        return (new GrpcChannel(new Uri($"https://{address}"), invoker, new GrpcChannelOptions(), time), invoker);
    }

    private async Task<Stream> ConnectAsync(SslStreamCertificateContext certificate, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var stream = default(SslStream);
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = address.Address.ToString(),
                    EnabledSslProtocols = MeshTls.Protocols,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    ClientCertificateContext = certificate,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    CertificateChainPolicy = MeshTls.NoPolicy(),
                    AllowTlsResume = false,
                    RemoteCertificateValidationCallback = (_, peer, chain, _) => verifier.Verify(peer as X509Certificate2, chain?.ChainPolicy.ExtraStore, PeerRole.Server).Id is not null,
                },
                cancellationToken);
            return stream;
        }
        catch
        {
            socket.Dispose();
            if (stream is not null)
            {
                await stream.DisposeAsync();
            }

            throw;
        }
    }
}
