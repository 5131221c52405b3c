using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>Opens connections to the control plane as a sidecar does: TLS 1.3, both sides proved, one HTTP/2 connection a stream. Thread-safe.</summary>
internal sealed class ControlPlaneDial(IPEndPoint address, PeerVerifier verifier, TimeProvider time)
{
    // Ten thousand at once on a few cores take longer than the 5 s that a sidecar has patience for.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>One, ready for the request.</summary>
    public async Task<SidecarConnection> OpenAsync(SslStreamCertificateContext certificate, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, late.Token);
        var connection = new SidecarConnection(await ConnectAsync(certificate, either.Token), time);
        connection.Begin($"{address}");
        return connection;
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
