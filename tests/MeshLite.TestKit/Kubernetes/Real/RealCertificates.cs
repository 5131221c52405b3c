using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MeshLite.TestKit.Kubernetes.Real;

/// <summary>Files that kube-apiserver wants: authority, its certificate, the key of tokens; and an administrator's certificate.</summary>
internal sealed class RealCertificates : IDisposable
{
    private readonly X509Certificate2 _admin;
    private readonly string _authorityPem;

    public RealCertificates(string address)
    {
        var authority = new TestAuthority(TimeProvider.System, "CN=kubernetes-ca");
        _authorityPem = authority.Public.ExportCertificatePem();
        var server = authority.Issue(new TestLeaf
        {
            Subject = "CN=kube-apiserver", Uris = [], DnsNames = ["localhost", "kubernetes", "kubernetes.default.svc"], Addresses = [address, "10.96.0.1"], Lifetime = TimeSpan.FromDays(1),
        });
        _admin = authority.Issue(new TestLeaf { Subject = "O=system:masters, CN=admin", Uris = [], Lifetime = TimeSpan.FromDays(1) });
        Authority = Write("ca.crt", _authorityPem);
        ServerCertificate = Write("apiserver.crt", server.ExportCertificatePem());
        ServerKey = Write("apiserver.key", KeyOf(server));
        using var tokens = RSA.Create(2048);
        TokenKey = Write("sa.key", tokens.ExportPkcs8PrivateKeyPem());
        TokenPublicKey = Write("sa.pub", tokens.ExportSubjectPublicKeyInfoPem());
    }

    public TestDirectory Directory { get; } = new();

    public string Authority { get; }

    public string ServerCertificate { get; }

    public string ServerKey { get; }

    public string TokenKey { get; }

    public string TokenPublicKey { get; }

    /// <summary>Of the administrator; answers its path.</summary>
    public string WriteKubeconfig(string name, string address) => Write(name, $$"""
        apiVersion: v1
        kind: Config
        current-context: admin
        clusters:
        - name: real
          cluster: {server: "{{address}}", certificate-authority-data: {{Base64(_authorityPem)}}}
        users:
        - name: admin
          user: {client-certificate-data: {{Base64(_admin.ExportCertificatePem())}}, client-key-data: {{Base64(KeyOf(_admin))}}}
        contexts:
        - name: admin
          context: {cluster: real, user: admin, namespace: default}
        """);

    public void Dispose() => Directory.Dispose();

    private static string KeyOf(X509Certificate2 certificate) => certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem();

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));

    private string Write(string name, string text)
    {
        File.WriteAllText(Directory[name], text);
        return Directory[name];
    }
}
