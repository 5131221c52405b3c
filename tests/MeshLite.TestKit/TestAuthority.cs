using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.TestKit;

/// <summary>
/// A certificate authority that signs whatever a test asks for, also what no honest one would. Written apart from the
/// control plane's, so that each checks the other.
/// </summary>
public sealed class TestAuthority
{
    private readonly TimeProvider _time;

    /// <summary>A root, valid from an hour ago for <paramref name="lifetime"/> (default a year).</summary>
    public TestAuthority(TimeProvider time, string name = "CN=test root", TimeSpan? lifetime = null)
    {
        _time = time;
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = AuthorityRequest(name, key);
        var now = time.GetUtcNow();
        Certificate = request.CreateSelfSigned(now.AddHours(-1), now + (lifetime ?? TimeSpan.FromDays(365)));
        Public = X509CertificateLoader.LoadCertificate(Certificate.RawData);
    }

    private TestAuthority(TimeProvider time, X509Certificate2 certificate)
    {
        _time = time;
        Certificate = certificate;
        Public = X509CertificateLoader.LoadCertificate(certificate.RawData);
    }

    /// <summary>With key.</summary>
    public X509Certificate2 Certificate { get; }

    /// <summary>Without key.</summary>
    public X509Certificate2 Public { get; }

    /// <summary>An authority that exists already, with its key.</summary>
    public static TestAuthority From(X509Certificate2 certificate, TimeProvider time) => new(time, certificate);

    /// <summary>An authority below this one; or what only calls itself one.</summary>
    public TestAuthority Intermediate(string name = "CN=test intermediate", X509KeyUsageFlags keyUsage = X509KeyUsageFlags.KeyCertSign, bool isAuthority = true)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = AuthorityRequest(name, key, keyUsage, isAuthority);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Public, true, false));
        var certificate = request.Create(Certificate, new DateTimeOffset(Certificate.NotBefore), new DateTimeOffset(Certificate.NotAfter), RandomNumberGenerator.GetBytes(15));
        return new TestAuthority(_time, certificate.CopyWithPrivateKey(key));
    }

    /// <summary>A leaf with its key; <paramref name="key"/> (default: a new one) may be somebody else's public key, then without.</summary>
    public X509Certificate2 Issue(TestLeaf leaf, PublicKey? key = null)
    {
        using var made = key is null ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : null;
        var request = new CertificateRequest(new X500DistinguishedName(leaf.Subject), key ?? new PublicKey(made!), HashAlgorithmName.SHA256);
        leaf.AddTo(request);
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Public, true, false));
        var from = _time.GetUtcNow() + leaf.From;
        var certificate = request.Create(
            Certificate.SubjectName, X509SignatureGenerator.CreateForECDsa(Certificate.GetECDsaPrivateKey()!), from, from + leaf.Lifetime, RandomNumberGenerator.GetBytes(15));
        return made is null ? certificate : certificate.CopyWithPrivateKey(made);
    }

    /// <summary>The leaf, signed by its own key.</summary>
    public static X509Certificate2 SelfSigned(TestLeaf leaf, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=self", key, HashAlgorithmName.SHA256);
        leaf.AddTo(request);
        var from = time.GetUtcNow() + leaf.From;
        return request.CreateSelfSigned(from, from + leaf.Lifetime);
    }

    private static CertificateRequest AuthorityRequest(string name, ECDsa key, X509KeyUsageFlags keyUsage = X509KeyUsageFlags.KeyCertSign, bool isAuthority = true)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(keyUsage, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request;
    }
}

/// <summary>What a leaf says; the defaults are a good SVID of <c>shop/orders</c>, an hour long.</summary>
public sealed record TestLeaf
{
    /// <summary>Both usages of an SVID.</summary>
    public static readonly string[] BothUsages = ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"];

    /// <summary>A good SVID of that identity.</summary>
    public static TestLeaf For(string uri) => new() { Uris = [uri] };

    /// <summary>Distinguished name.</summary>
    public string Subject { get; init; } = "";

    /// <summary>URI SANs.</summary>
    public string[] Uris { get; init; } = ["spiffe://cluster.local/ns/shop/sa/orders"];

    /// <summary>DNS SANs.</summary>
    public string[] DnsNames { get; init; } = [];

    /// <summary>IP SANs.</summary>
    public string[] Addresses { get; init; } = [];

    /// <summary>notBefore, from now.</summary>
    public TimeSpan From { get; init; } = TimeSpan.FromSeconds(-30);

    /// <summary>notAfter, from notBefore.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whether it is a CA.</summary>
    public bool IsAuthority { get; init; }

    /// <summary>Key usage; none leaves the extension out.</summary>
    public X509KeyUsageFlags KeyUsage { get; init; } = X509KeyUsageFlags.DigitalSignature;

    /// <summary>Extended key usage; none leaves the extension out.</summary>
    public string[] Usages { get; init; } = BothUsages;

    internal void AddTo(CertificateRequest request)
    {
        var names = new SubjectAlternativeNameBuilder();
        Array.ForEach(Uris, uri => names.AddUri(new Uri(uri)));
        Array.ForEach(DnsNames, names.AddDnsName);
        Array.ForEach(Addresses, address => names.AddIpAddress(IPAddress.Parse(address)));
        if (Uris.Length + DnsNames.Length + Addresses.Length > 0)
        {
            request.CertificateExtensions.Add(names.Build(critical: true));
        }

        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(IsAuthority, false, 0, critical: true));
        if (KeyUsage != X509KeyUsageFlags.None)
        {
            request.CertificateExtensions.Add(new X509KeyUsageExtension(KeyUsage, critical: true));
        }

        if (Usages.Length > 0)
        {
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. Usages.Select(u => new Oid(u))], critical: false));
        }
    }
}
