using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Client;

/// <summary>
/// A new key, a signing request for it, and the answer checked: what a sidecar and meshctl do alike to get a certificate. Owns the key until it is issued;
/// one exchange, one thread.
/// </summary>
public sealed class SvidExchange : IDisposable
{
    private static readonly TimeSpan CertifyTimeout = TimeSpan.FromSeconds(10);

    private ECDsa? _key = ECDsa.Create(SvidProfile.Curve);

    /// <summary>What to send.</summary>
    public CertifyRequest Request() => new()
    {
        Csr = UnsafeByteOperations.UnsafeWrap(new CertificateRequest(new X500DistinguishedName(""), _key!, HashAlgorithmName.SHA256).CreateSigningRequest()),
    };

    /// <summary>
    /// Whether the answer certifies this key, to an identity that peers under the bundle which came with it would accept; the key is the receiver's then.
    /// Throws <see cref="CryptographicException"/> for what are no certificates.
    /// </summary>
    public (IssuedSvid? Issued, string Problem) Check(CertifyResponse response, TimeProvider time)
    {
        if (response.CertificateChain.Count == 0)
        {
            return (null, "the control plane's answer holds no certificate");
        }

        X509Certificate2Collection chain = [.. response.CertificateChain.Select(der => X509CertificateLoader.LoadCertificate(der.Span))];
        if (!chain[0].PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(_key!.ExportSubjectPublicKeyInfo()))
        {
            return (null, "the control plane's answer certifies another key");
        }

        var bundle = TrustBundle.FromDer(response.TrustBundle.Select(der => der.Memory));
        var result = new PeerVerifier(bundle, trustDomain: null, time).Verify(chain[0], [.. chain.Skip(1)], PeerRole.Server);
        if (result.Id is not { } id)
        {
            return (null, $"the certificate {result.Failure.ToSentence()}");
        }

        var issued = new IssuedSvid(id, _key!, chain, bundle);
        _key = null;
        return (issued, "");
    }

    /// <summary>Has a request signed: with a token no certificate should be shown, since one the control plane does not accept would end the handshake.</summary>
    public static Task<CertifyResponse> SendAsync(GrpcChannel channel, CertifyRequest request, string? token, CancellationToken cancellationToken)
    {
        GrpcMetadata metadata = token is null ? [] : new() { { "authorization", $"Bearer {token}" } };
        return channel.UnaryAsync(MeshMethods.IdentityCertify, request, new GrpcCallOptions { Metadata = metadata, Timeout = CertifyTimeout }, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _key?.Dispose();
}

/// <summary>A certificate just issued; the key is the receiver's to dispose.</summary>
public sealed record IssuedSvid(SpiffeId Id, ECDsa Key, X509Certificate2Collection Chain, TrustBundle Bundle);
