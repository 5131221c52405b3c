using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// The way to the control plane: gRPC over TLS 1.3, the server held against the CA file (or the bundle we have since
/// learned), its host name and its identity. Thread-safe; keeps no connection of its own.
/// </summary>
/// <param name="address"><c>https://host:port</c> (<c>--control-plane</c>).</param>
/// <param name="caFile">Roots to believe before there is a bundle (<c>--control-plane-ca</c>), read anew for each connection; null: only a bundle counts.</param>
/// <param name="time">The clock certificates are held against.</param>
internal sealed class ControlPlaneClient(Uri address, string? caFile, TimeProvider time) : ICertifier
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CertifyTimeout = TimeSpan.FromSeconds(10);

    /// <summary>
    /// A connection, made when first used. Open a new one for each stream: an HTTP/2 connection keeps the certificate it was
    /// made with.
    /// </summary>
    /// <param name="show">The certificate to show; null: none.</param>
    /// <param name="believe">A bundle to believe beside the CA file.</param>
    public ControlPlaneConnection Open(WorkloadCertificate? show, TrustBundle? believe)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) => await ConnectAsync(show, believe ?? TrustBundle.Empty, cancellationToken),
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

    /// <inheritdoc/>
    public async Task<CertifyResponse> CertifyAsync(CertifyRequest request, string? token, WorkloadCertificate? show, TrustBundle? believe, CancellationToken cancellationToken)
    {
        using var connection = Open(show, believe);
        GrpcMetadata metadata = token is null ? [] : new() { { "authorization", $"Bearer {token}" } };
        return await connection.Channel.UnaryAsync(
            MeshMethods.IdentityCertify, request, new GrpcCallOptions { Metadata = metadata, Timeout = CertifyTimeout }, cancellationToken);
    }

    private async Task<Stream> ConnectAsync(WorkloadCertificate? show, TrustBundle believe, CancellationToken cancellationToken)
    {
        // A new verifier each time: the file may have changed, and nobody connects here often.
        var roots = caFile is null ? believe : believe.Union(TrustBundle.FromPem(await File.ReadAllTextAsync(caFile, cancellationToken)));
        var verifier = new PeerVerifier(roots, show?.Id.TrustDomain, time);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var failure = PeerFailure.None;
        var stream = default(SslStream);
        try
        {
            await socket.ConnectAsync(address.IdnHost, address.Port, cancellationToken);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            await stream.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = address.IdnHost,
                    EnabledSslProtocols = MeshTls.Protocols,
                    ApplicationProtocols = [SslApplicationProtocol.Http2],
                    ClientCertificateContext = show?.Context,
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
            : certificate!.MatchesHostname(address.IdnHost, allowWildcards: false, allowCommonName: false) ? PeerFailure.None
            : PeerFailure.WrongHost;
    }
}

/// <summary>A channel to the control plane with its connection, which ends when this is disposed.</summary>
internal sealed class ControlPlaneConnection(Uri address, HttpMessageInvoker invoker, TimeProvider time) : IDisposable
{
    /// <summary>For calls.</summary>
    public GrpcChannel Channel { get; } = new(address, invoker, new GrpcChannelOptions(), time);

    /// <inheritdoc/>
    public void Dispose() => invoker.Dispose();
}
