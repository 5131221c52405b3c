using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity;

/// <summary>
/// The mesh's authority, read from <c>&lt;data-dir&gt;/ca.pem</c> and <c>ca.key</c> and made there on first start; in a cluster from a
/// Secret (<see cref="AuthoritySecret"/>). Immutable and thread-safe once made; owned by <see cref="IdentityModule"/>.
/// <para><c>ca.pem</c> may hold several certificates: the one that belongs to <c>ca.key</c> signs, every
/// self-signed one is a root that sidecars trust (a root being rotated), and where the signing one is not itself a root
/// it goes along with each certificate signed. Nothing here ever overwrites a file.</para>
/// </summary>
public sealed class CertificateAuthority : IDisposable
{
    /// <summary>Names within the data directory.</summary>
    public const string CertificateFile = "ca.pem";

    /// <inheritdoc cref="CertificateFile"/>
    public const string KeyFile = "ca.key";

    private const int RootYears = 10;

    private readonly ECDsa _key;
    private readonly X509Certificate2 _certificate;
    private readonly X509SignatureGenerator _signer;

    private CertificateAuthority(ECDsa key, X509Certificate2 certificate, TrustBundle bundle)
    {
        _key = key;
        _certificate = certificate;
        _signer = X509SignatureGenerator.CreateForECDsa(key);
        Bundle = bundle;
        Intermediates = IsSelfIssued(certificate) ? [] : [certificate];
        NotAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime());
    }

    /// <summary>The roots sidecars trust.</summary>
    public TrustBundle Bundle { get; }

    /// <summary>What goes along with a certificate signed here; empty where a root signs.</summary>
    public IReadOnlyList<X509Certificate2> Intermediates { get; }

    /// <summary>The one that signs.</summary>
    public X509Certificate2 Certificate => _certificate;

    /// <summary>End of the signing certificate's life, which nothing it signs exceeds.</summary>
    public DateTimeOffset NotAfter { get; }

    /// <summary>Reads the authority, or makes it where there is none. Throws <see cref="StartupException"/> with the reason it cannot.</summary>
    /// <param name="dataDirectory">Made, mode 0700, where missing.</param>
    /// <param name="time">Dates the root.</param>
    public static CertificateAuthority LoadOrCreate(string dataDirectory, TimeProvider time)
    {
        var certificatePath = Path.Combine(dataDirectory, CertificateFile);
        var keyPath = Path.Combine(dataDirectory, KeyFile);
        try
        {
            SecretFile.CreateDirectory(dataDirectory);
            if (!File.Exists(keyPath))
            {
                if (File.Exists(certificatePath))
                {
                    throw new StartupException($"{certificatePath} is there but {keyPath} is not: bring the key, or remove the certificate to have a new authority made");
                }

                SecretFile.TryCreate(keyPath, MakeKey());
            }

            // Key first, certificate from the key: of several processes that start at once one makes the key, and
            // whichever certificate of that key is in place first is everybody's.
            if (!File.Exists(certificatePath))
            {
                SecretFile.TryCreate(certificatePath, MakeRoot(File.ReadAllText(keyPath), keyPath, time));
            }

            return FromPem(File.ReadAllText(keyPath), keyPath, File.ReadAllText(certificatePath), certificatePath, time);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new StartupException($"certificate authority in {dataDirectory}: {error.Message}", inner: error);
        }
    }

    /// <summary>Signs. The caller has filled in the profile; issuer, key identifiers and serial number are set here.</summary>
    public X509Certificate2 Sign(CertificateRequest request, DateTimeOffset notBefore, DateTimeOffset notAfter)
    {
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            _certificate, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        return request.Create(_certificate.SubjectName, _signer, notBefore, notAfter < NotAfter ? notAfter : NotAfter, SerialNumber());
    }

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();

    /// <summary>
    /// From PEM texts; the origins are for messages. Throws <see cref="StartupException"/> with the reason these are no authority.
    /// </summary>
    internal static CertificateAuthority FromPem(string keyPem, string keyOrigin, string certificatesPem, string certificatesOrigin, TimeProvider time)
    {
        ECDsa key;
        TrustBundle all;
        try
        {
            key = EcKeys.FromPem(keyPem, keyOrigin);
            all = TrustBundle.FromPem(certificatesPem);
        }
        catch (CryptographicException error)
        {
            throw new StartupException($"{certificatesOrigin}: {error.Message}", inner: error);
        }

        var publicKey = key.ExportSubjectPublicKeyInfo();
        var own = all.Roots.FirstOrDefault(c => c.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey))
            ?? throw new StartupException($"{keyOrigin} belongs to none of the certificates in {certificatesOrigin}");
        if (all.Roots.FirstOrDefault(c => !IsAuthority(c)) is { } stranger)
        {
            throw new StartupException($"{certificatesOrigin}: '{stranger.Subject}' is not a certificate authority's certificate");
        }

        if (time.GetUtcNow().UtcDateTime >= own.NotAfter.ToUniversalTime())
        {
            throw new StartupException($"{certificatesOrigin}: '{own.Subject}' expired on {own.NotAfter.ToUniversalTime():u}");
        }

        var bundle = TrustBundle.FromCertificates(all.Roots.Where(IsSelfIssued));
        return bundle.Roots.IsEmpty
            ? throw new StartupException($"{certificatesOrigin} holds no self-signed root: add the root that signed '{own.Subject}'")
            : new CertificateAuthority(key, own, bundle);
    }

    /// <summary>A new key, PKCS#8 in PEM.</summary>
    internal static string MakeKey()
    {
        using var key = ECDsa.Create(SvidProfile.Curve);
        return key.ExportPkcs8PrivateKeyPem() + "\n";
    }

    /// <summary>A root of that key, in PEM.</summary>
    internal static string MakeRoot(string keyPem, string keyOrigin, TimeProvider time)
    {
        using var key = EcKeys.FromPem(keyPem, keyOrigin);
        var serial = SerialNumber();
        // A name of its own for each root: while one replaces another, chains are found by name first.
        var request = new CertificateRequest($"CN=MeshLite root {Convert.ToHexStringLower(serial.AsSpan(0, 4))}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 1, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = time.GetUtcNow();
        using var root = request.Create(
            request.SubjectName, X509SignatureGenerator.CreateForECDsa(key), now - SvidProfile.Backdate, now.AddYears(RootYears), serial);
        return root.ExportCertificatePem() + "\n";
    }

    private static bool IsAuthority(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is { CertificateAuthority: true };

    private static bool IsSelfIssued(X509Certificate2 certificate) =>
        certificate.SubjectName.RawData.AsSpan().SequenceEqual(certificate.IssuerName.RawData);

    // 127 random bits, positive and without leading zeros (RFC 5280 §4.1.2.2).
    private static byte[] SerialNumber()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}
