using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>
/// Signs certificates of sidecars with the mesh's own authority, as if each had got its own from the control plane: what is
/// measured is the streams. Thread-safe.
/// </summary>
internal sealed class SvidFactory
{
    private readonly X509Certificate2 _authority;
    private readonly X509SignatureGenerator _signer;
    private readonly TimeProvider _time;

    public SvidFactory(string certificatePem, string keyPem, TimeProvider time)
    {
        _authority = X509Certificate2.CreateFromPem(certificatePem);
        _signer = X509SignatureGenerator.CreateForECDsa(EcKeys.FromPem(keyPem, "the authority's Secret"));
        _time = time;
        Verifier = new PeerVerifier(TrustBundle.FromPem(certificatePem), null, time);
    }

    /// <summary>Judges the control plane.</summary>
    public PeerVerifier Verifier { get; }

    /// <summary>A key and a certificate for an hour.</summary>
    public SslStreamCertificateContext Issue(SpiffeId id)
    {
        using var key = ECDsa.Create(SvidProfile.Curve);
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(id.ToString()));
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(SvidProfile.ServerAuth), new Oid(SvidProfile.ClientAuth)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var now = _time.GetUtcNow();
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        using var bare = request.Create(_authority.SubjectName, _signer, now - SvidProfile.Backdate, now.AddHours(1), serial);
        return SslStreamCertificateContext.Create(bare.CopyWithPrivateKey(key), null, offline: true);
    }
}
