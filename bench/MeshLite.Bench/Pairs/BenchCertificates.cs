using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Bench.Pairs;

/// <summary>A root and one ECDSA P-256 certificate for each end of a pair, as PEM files: what the mesh's own look like.</summary>
internal sealed class BenchCertificates
{
    private readonly string _directory;

    public BenchCertificates(string directory, TimeProvider time)
    {
        _directory = System.IO.Directory.CreateDirectory(directory).FullName;
        var now = time.GetUtcNow();
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=bench root", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = rootRequest.CreateSelfSigned(now.AddMinutes(-5), now.AddDays(1));
        File.WriteAllText(CaFile, root.ExportCertificatePem());
        for (byte serial = 1; serial <= 2; serial++)
        {
            var name = serial == 1 ? "outbound" : "inbound";
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")], false));
            using var certificate = request.Create(root, now.AddMinutes(-5), now.AddHours(12), [serial]);
            File.WriteAllText(CertificateFile(name), certificate.ExportCertificatePem());
            File.WriteAllText(KeyFile(name), key.ExportPkcs8PrivateKeyPem());
        }
    }

    public string CaFile => Path.Combine(_directory, "ca.pem");

    public string CertificateFile(string end) => Path.Combine(_directory, end + ".pem");

    public string KeyFile(string end) => Path.Combine(_directory, end + ".key");
}
