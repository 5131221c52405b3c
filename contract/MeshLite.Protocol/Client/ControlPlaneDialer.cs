using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;

namespace MeshLite.Protocol.Client;

/// <summary>
/// Connects to the control plane as sidecars and meshctl do: gRPC over TLS 1.3, the server held against roots, its host name and its identity.
/// Thread-safe; keeps no connection of its own.
/// </summary>
/// <param name="address"><c>https://host:port</c>.</param>
/// <param name="serverName">The name its certificate must have; null: the host of <paramref name="address"/>. Another where that leads through a tunnel.</param>
/// <param name="time">The clock certificates are held against.</param>
public sealed class ControlPlaneDialer(Uri address, string? serverName, TimeProvider time)
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);

    private readonly string _name = serverName ?? address.IdnHost;

    /// <summary>
    /// A connection, made when first used. Open a new one for each stream: an HTTP/2 connection keeps the certificate it was
    /// made with.
    /// </summary>
    /// <param name="show">The certificate to show; null: none.</param>
    /// <param name="trustDomain">The server's; null: any.</param>
    /// <param name="roots">Whom to believe, asked anew for each connection.</param>
    public ControlPlaneConnection Open(SslStreamCertificateContext? show, string? trustDomain, Func<CancellationToken, Task<TrustBundle>> roots)
    {
        var handler = new SocketsHttpHandler
        {
            // A new verifier each time: the roots may have changed, and nobody connects here often.
            ConnectCallback = async (_, cancellationToken) => await ConnectAsync(show, new PeerVerifier(await roots(cancellationToken), trustDomain, time), cancellationToken),
            ConnectTimeout = ConnectTimeout,
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
            // A control plane that vanished without a word is noticed within 15 s.
            KeepAlivePingDelay = TimeSpan.FromSeconds(10),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
        };
        return new ControlPlaneConnection(address, new HttpMessageInvoker(handler), time);
    }

    private async Task<Stream> ConnectAsync(SslStreamCertificateContext? show, PeerVerifier verifier, CancellationToken cancellationToken)
    {
        var socket = await TcpDialer.ConnectAsync(address.IdnHost, address.Port, cancellationToken);
        var failure = PeerFailure.None;
        var stream = default(SslStream);
        try
        {
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = _name,
                    EnabledSslProtocols = MeshTls.Protocols,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    ClientCertificateContext = show,
                    CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                    CertificateChainPolicy = MeshTls.NoPolicy(),
                    AllowTlsResume = false,
                    RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
                        (failure = Judge(verifier, certificate as X509Certificate2, chain)) == PeerFailure.None,
                },
                cancellationToken);
            return stream;
        }
        catch (Exception error)
        {
            socket.Dispose();
            if (stream is not null)
            {
                await stream.DisposeAsync();
            }

            if (failure != PeerFailure.None)
            {
                throw new AuthenticationException($"the control plane's certificate {failure.ToSentence()}", error);
            }

            throw;
        }
    }

    // A workload's certificate is signed by the same authority, but has no host name, and another identity.
    private PeerFailure Judge(PeerVerifier verifier, X509Certificate2? certificate, X509Chain? chain)
    {
        var result = verifier.Verify(certificate, chain?.ChainPolicy.ExtraStore, PeerRole.Server);
        return result.Id is not { } id ? result.Failure
            : id.Namespace != SvidProfile.ControlPlaneNamespace || id.ServiceAccount != SvidProfile.ControlPlaneServiceAccount ? PeerFailure.ServerNotExpected
            : certificate!.MatchesHostname(_name, allowWildcards: false, allowCommonName: false) ? PeerFailure.None
            : PeerFailure.WrongHost;
    }
}
