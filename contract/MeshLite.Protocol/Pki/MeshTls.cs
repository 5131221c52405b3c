using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Protocol.Pki;

/// <summary>What every TLS connection of the mesh has in common.</summary>
public static class MeshTls
{
    /// <summary>Between sidecars: HTTP/2 inside.</summary>
    public static readonly SslApplicationProtocol Http = new("meshlite-http/1");

    /// <summary>Between sidecars: opaque bytes inside.</summary>
    public static readonly SslApplicationProtocol Tcp = new("meshlite-tcp/1");

    /// <summary>TLS 1.3 and nothing else.</summary>
    public const SslProtocols Protocols = SslProtocols.Tls13;

    /// <summary>
    /// For SslStream's own chain building, which cannot be switched off and whose verdict nobody asks for: without
    /// roots, store or network it ends at the leaf. <see cref="PeerVerifier"/> decides, from the callback. A new one for
    /// each handshake: SslStream adds the peer's certificates to it.
    /// </summary>
    public static X509ChainPolicy NoPolicy() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
    };
}
