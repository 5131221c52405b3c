using System.Security.Cryptography;
using MeshLite.ControlPlane.Index;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>Who signs and which roots are published, at one moment. Immutable; made by <see cref="AuthorityKeeper"/>, swapped in <see cref="IdentityModule"/>.</summary>
/// <param name="Signer">Signs workloads' certificates.</param>
/// <param name="ServerSigner">Signs the control plane's own.</param>
/// <param name="Bundle">All roots to trust.</param>
internal sealed record AuthorityInForce(CertificateAuthority Signer, CertificateAuthority ServerSigner, TrustBundle Bundle)
{
    /// <summary>Tells one set of roots from another.</summary>
    public string BundleId { get; } = IdOf(Bundle);

    /// <summary>What sidecars are told of it.</summary>
    public MeshAuthority Announced => new(Bundle.Der, BundleId, Signer.KeyId);

    /// <summary>One that was not recorded yet.</summary>
    public static AuthorityInForce Of(CertificateAuthority authority) => new(authority, authority, authority.Bundle);

    /// <summary>
    /// As it is recorded. Throws <see cref="StartupException"/> where who signs can sign no longer (expired). Who signed before and can't any longer does not matter.
    /// </summary>
    public static AuthorityInForce From(AuthorityRecord record, string origin, TimeProvider time)
    {
        var signer = CertificateAuthority.From(record.Signer, origin, time);
        return new AuthorityInForce(signer, FindServerSigner(record, signer, origin, time), TrustBundle.FromPem(string.Concat(record.Published)));
    }

    /// <summary>Of a set of roots, whatever their order: 16 hex digits of a SHA-256.</summary>
    public static string IdOf(TrustBundle bundle)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var root in bundle.Roots.Select(root => root.GetCertHash(HashAlgorithmName.SHA256)).OrderBy(Convert.ToHexString, StringComparer.Ordinal))
        {
            hash.AppendData(root);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private static CertificateAuthority FindServerSigner(AuthorityRecord record, CertificateAuthority signer, string origin, TimeProvider time)
    {
        if (ReferenceEquals(record.ServerSigner, record.Signer))
        {
            return signer;
        }

        try
        {
            return CertificateAuthority.From(record.ServerSigner, origin, time);
        }
        catch (StartupException)
        {
            return signer;
        }
    }
}
