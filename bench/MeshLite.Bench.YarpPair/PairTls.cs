using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace MeshLite.Bench.YarpPair;

/// <summary>Both ends' certificate and trust. Immutable.</summary>
internal sealed class PairTls
{
    private readonly X509Certificate2 _certificate;
    private readonly X509Certificate2 _ca;

    public PairTls(PairOptions options)
    {
        _certificate = X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile);
        _ca = X509Certificate2.CreateFromPem(File.ReadAllText(options.CaFile));
    }

    public X509Certificate2 Certificate => _certificate;

    public SslClientAuthenticationOptions ClientOptions() => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        ClientCertificateContext = SslStreamCertificateContext.Create(_certificate, null, offline: true),
        RemoteCertificateValidationCallback = (_, certificate, _, _) => IsTrusted(certificate as X509Certificate2),
    };

    public bool IsTrusted(X509Certificate2? certificate)
    {
        if (certificate is null)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
