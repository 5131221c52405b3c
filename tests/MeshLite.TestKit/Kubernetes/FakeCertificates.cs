using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>Authority, server and administrator of a <see cref="FakeApiServer"/>.</summary>
internal sealed class FakeCertificates : IDisposable
{
    private readonly TestAuthority _authority;
    private readonly X509Certificate2 _admin;

    public FakeCertificates(TimeProvider time)
    {
        _authority = new TestAuthority(time, "CN=kubernetes-ca");
        Server = _authority.Issue(new TestLeaf { Subject = "CN=kube-apiserver", Uris = [], DnsNames = ["localhost", "kubernetes.default.svc"], Addresses = ["127.0.0.1"] });
        _admin = _authority.Issue(new TestLeaf { Subject = "O=system:masters, CN=admin", Uris = [], DnsNames = [] });
    }

    /// <summary>Files of this server.</summary>
    public TestDirectory Directory { get; } = new();

    /// <summary>With key.</summary>
    public X509Certificate2 Server { get; }

    public string AuthorityPem => _authority.Public.ExportCertificatePem();

    /// <summary>Whether this authority signed it.</summary>
    public bool Signed(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.Add(_authority.Public);
        return chain.Build(certificate);
    }

    public string Kubeconfig(string server) => $$"""
        apiVersion: v1
        kind: Config
        current-context: admin
        clusters:
        - name: fake
          cluster: {server: "{{server}}", certificate-authority-data: {{Base64(AuthorityPem)}}}
        users:
        - name: admin
          user: {client-certificate-data: {{Base64(_admin.ExportCertificatePem())}}, client-key-data: {{Base64(_admin.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem())}}}
        contexts:
        - name: admin
          context: {cluster: fake, user: admin, namespace: default}
        """;

    public void Dispose() => Directory.Dispose();

    private static string Base64(string text) => Convert.ToBase64String(Encoding.ASCII.GetBytes(text));
}
