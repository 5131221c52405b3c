using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Protocol.Pki;

/// <summary>Which key signed a certificate, by the identifiers of RFC 5280 §4.2.1.1 and §4.2.1.2: both sides compare them, neither trusts them. Pure.</summary>
public static class IssuerKey
{
    /// <summary>Identifier of the key of an authority's certificate; where it names none, made as §4.2.1.2 (1) says.</summary>
    public static ReadOnlyMemory<byte> Of(X509Certificate2 authority) =>
        authority.Extensions.OfType<X509SubjectKeyIdentifierExtension>().FirstOrDefault() is { } named
            ? named.SubjectKeyIdentifierBytes
            : Convert.FromHexString(new X509SubjectKeyIdentifierExtension(authority.PublicKey, X509SubjectKeyIdentifierHashAlgorithm.Sha1, critical: false).SubjectKeyIdentifier!);

    /// <summary>Identifier of the key that signed a certificate; empty where it does not say.</summary>
    public static ReadOnlyMemory<byte> OfIssuer(X509Certificate2 certificate)
    {
        try
        {
            return certificate.Extensions.OfType<X509AuthorityKeyIdentifierExtension>().FirstOrDefault()?.KeyIdentifier ?? default;
        }
        catch (CryptographicException)
        {
            // One that cannot be read is none.
            return default;
        }
    }
}
