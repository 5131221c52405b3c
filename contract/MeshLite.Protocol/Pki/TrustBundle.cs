using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// The root certificates that vouch for a trust domain; several while a root is being rotated. Immutable and
/// shared freely: whoever needs another set makes another bundle and swaps the reference.
/// </summary>
public sealed class TrustBundle
{
    /// <summary>More roots than any rotation needs: a bound on what one message can make us parse.</summary>
    public const int MaxRoots = 32;

    private TrustBundle(ImmutableArray<X509Certificate2> roots)
    {
        Roots = roots;
        Der = [.. roots.Select(r => (ReadOnlyMemory<byte>)r.RawData)];
    }

    /// <summary>Trusts nobody.</summary>
    public static TrustBundle Empty { get; } = new([]);

    /// <summary>The roots, in the order given, without duplicates. Never disposed: handshakes may still hold them.</summary>
    public ImmutableArray<X509Certificate2> Roots { get; }

    /// <summary>The roots as DER, as they travel in <c>CertifyResponse.trust_bundle</c>.</summary>
    public ImmutableArray<ReadOnlyMemory<byte>> Der { get; }

    /// <summary>From DER certificates; throws <see cref="CryptographicException"/> where one is not a certificate, or there are too many.</summary>
    public static TrustBundle FromDer(IEnumerable<ReadOnlyMemory<byte>> certificates) =>
        FromCertificates(certificates.Select(der => X509CertificateLoader.LoadCertificate(der.Span)));

    /// <summary>From a PEM text with any number of certificates (at least one); throws <see cref="CryptographicException"/>.</summary>
    public static TrustBundle FromPem(string pem)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPem(pem);
        return certificates.Count == 0
            ? throw new CryptographicException("no certificate in the PEM text")
            : FromCertificates(certificates);
    }

    /// <summary>From certificates already parsed, which the bundle then owns.</summary>
    public static TrustBundle FromCertificates(IEnumerable<X509Certificate2> certificates)
    {
        var roots = ImmutableArray.CreateBuilder<X509Certificate2>();
        foreach (var certificate in certificates)
        {
            if (!roots.Any(r => r.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span)))
            {
                roots.Add(certificate);
            }

            if (roots.Count > MaxRoots)
            {
                throw new CryptographicException($"more than {MaxRoots} roots in a trust bundle");
            }
        }

        return new TrustBundle(roots.ToImmutable());
    }

    /// <summary>This bundle and what <paramref name="other"/> adds to it.</summary>
    public TrustBundle Union(TrustBundle other) => FromCertificates(Roots.Concat(other.Roots));

    /// <summary>Whether both hold the same roots in the same order.</summary>
    public bool SameAs(TrustBundle other) =>
        Der.Length == other.Der.Length && Der.Zip(other.Der).All(pair => pair.First.Span.SequenceEqual(pair.Second.Span));

    /// <summary>The roots as PEM.</summary>
    public string ToPem() =>
        Roots.Aggregate(new StringBuilder(), (text, root) => text.Append(root.ExportCertificatePem()).Append('\n')).ToString();
}
