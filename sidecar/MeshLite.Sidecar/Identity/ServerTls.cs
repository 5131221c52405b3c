using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>TLS of the inbound listener. Pure.</summary>
internal static class ServerTls
{
    private static readonly List<SslApplicationProtocol> Both = [MeshTls.Http, MeshTls.Tcp];

    /// <summary>
    /// A handshake that demands and verifies the caller's certificate. Prepared for each connection, so that each shows the
    /// newest certificate; those made before a renewal go on undisturbed.
    /// </summary>
    public static TlsHandshake<SslServerAuthenticationOptions> Prepare(WorkloadCertificate own) =>
        new(own, PeerRole.Client, expected: null, validate => new SslServerAuthenticationOptions
        {
            ServerCertificateContext = own.Context,
            EnabledSslProtocols = MeshTls.Protocols,
            ApplicationProtocols = Both,
            ClientCertificateRequired = true,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = MeshTls.NoPolicy(),
            AllowTlsResume = own.AllowTlsResume,
            RemoteCertificateValidationCallback = validate,
        });
}
