using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>TLS towards another sidecar. Pure.</summary>
internal static class ClientTls
{
    private static readonly List<SslApplicationProtocol> Http = [MeshTls.Http];
    private static readonly List<SslApplicationProtocol> Tcp = [MeshTls.Tcp];

    /// <summary>
    /// A handshake that shows our certificate and succeeds only with <paramref name="expected"/>. In TLS 1.3 the client is done
    /// before the server has judged its certificate: a refusal of ours comes with the first read.
    /// </summary>
    /// <param name="own">What to show and whom to believe.</param>
    /// <param name="expected">The identity of the endpoint meant.</param>
    /// <param name="endpoint">Where it is: sessions are resumed per endpoint.</param>
    /// <param name="protocol"><see cref="MeshTls.Http"/> or <see cref="MeshTls.Tcp"/>.</param>
    public static TlsHandshake<SslClientAuthenticationOptions> Prepare(
        WorkloadCertificate own, SpiffeId expected, IPEndPoint endpoint, SslApplicationProtocol protocol) =>
        new(own, PeerRole.Server, expected, validate => new SslClientAuthenticationOptions
        {
            TargetHost = SessionName(endpoint),
            EnabledSslProtocols = MeshTls.Protocols,
            ApplicationProtocols = protocol == MeshTls.Http ? Http : protocol == MeshTls.Tcp ? Tcp : [protocol],
            ClientCertificateContext = own.Context,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            CertificateChainPolicy = MeshTls.NoPolicy(),
            AllowTlsResume = own.AllowTlsResume,
            RemoteCertificateValidationCallback = validate,
        });

    // .NET keeps sessions by host name and takes no addresses. The name is sent (SNI), so it says no more than the packet does.
    // The first letter keeps a label of an IPv6 address from beginning with '-'.
    private static string SessionName(IPEndPoint endpoint)
    {
        var address = endpoint.Address.ToString().Replace('.', '-').Replace(':', '-').Replace('%', '-');
        return string.Create(CultureInfo.InvariantCulture, $"a{address}.p{endpoint.Port}.meshlite");
    }
}
