using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Protocol.Pki;

namespace MeshLite.Sidecar.Identity;

/// <summary>
/// Key, certificate and bundle on disk (<c>--state-dir</c>, mode 0700; files 0600), so that a sidecar comes back without a control
/// plane. Used by <see cref="WorkloadIdentity"/> only, under its lock. Judges nothing but that the parts fit together.
/// </summary>
internal sealed class StateDirectory(string path)
{
    private const string KeyFile = "svid.key";
    private const string CertificateFile = "svid.pem";
    private const string BundleFile = "bundle.pem";
    private const string NewSuffix = ".new";

    /// <summary>
    /// Keeps a key and its chain (leaf first). Two files cannot be replaced in one step, so the new certificate lies ready
    /// beside the old one before the key changes: after a crash at any point the key has its certificate.
    /// </summary>
    public void Save(ECDsa key, X509Certificate2Collection chain)
    {
        SecretFile.CreateDirectory(path);
        var pem = string.Concat(chain.Select(c => c.ExportCertificatePem() + "\n"));
        SecretFile.Replace(File(CertificateFile + NewSuffix), pem);
        SecretFile.Replace(File(KeyFile), key.ExportPkcs8PrivateKeyPem() + "\n");
        SecretFile.Replace(File(CertificateFile), pem);
        System.IO.File.Delete(File(CertificateFile + NewSuffix));
    }

    /// <summary>Keeps the trust bundle.</summary>
    public void SaveBundle(TrustBundle bundle)
    {
        SecretFile.CreateDirectory(path);
        SecretFile.Replace(File(BundleFile), bundle.ToPem());
    }

    /// <summary>
    /// What was kept, the leaf with its key first; null where nothing was. Throws <see cref="CryptographicException"/>,
    /// <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> where it is unusable.
    /// </summary>
    public (X509Certificate2Collection Chain, TrustBundle Bundle)? Load()
    {
        if (!System.IO.File.Exists(File(KeyFile)) || !System.IO.File.Exists(File(BundleFile)))
        {
            return null;
        }

        using var key = EcKeys.FromPem(System.IO.File.ReadAllText(File(KeyFile)), File(KeyFile));
        var publicKey = key.ExportSubjectPublicKeyInfo();
        foreach (var name in new[] { CertificateFile, CertificateFile + NewSuffix }.Select(File).Where(System.IO.File.Exists))
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(System.IO.File.ReadAllText(name));
            if (chain.Count > 0 && chain[0].PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey))
            {
                chain[0] = chain[0].CopyWithPrivateKey(key);
                return (chain, TrustBundle.FromPem(System.IO.File.ReadAllText(File(BundleFile))));
            }
        }

        throw new CryptographicException("key and certificate do not belong together");
    }

    private string File(string name) => Path.Combine(path, name);
}
