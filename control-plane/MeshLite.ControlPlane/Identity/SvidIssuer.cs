using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// Makes workloads' certificates after the X.509-SVID profile; another authority means another issuer. Thread-safe: keeps nothing.
/// </summary>
internal sealed class SvidIssuer(CertificateAuthority authority, TimeProvider time)
{
    /// <summary>What goes along with each certificate issued.</summary>
    public IReadOnlyList<X509Certificate2> Intermediates => authority.Intermediates;

    /// <summary>Signs a certificate for <paramref name="id"/>, valid from a little before now (<see cref="SvidProfile.Backdate"/>).</summary>
    public X509Certificate2 Issue(SpiffeId id, PublicKey key, TimeSpan lifetime, SubjectAlternativeNameBuilder? names = null)
    {
        names ??= new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(id.ToString()));

        // The subject is empty, which makes the subjectAltName critical (RFC 5280 §4.2.1.6).
        var request = new CertificateRequest(new X500DistinguishedName(""), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(names.Build(critical: true));
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            [new Oid(SvidProfile.ServerAuth), new Oid(SvidProfile.ClientAuth)], critical: false));

        var now = time.GetUtcNow();
        return authority.Sign(request, now - SvidProfile.Backdate, now + lifetime);
    }
}
