using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshLite.ControlPlane.Identity;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.ControlPlane.Tests.Identity;

public sealed class AuthoritySecretTests : IAsyncLifetime
{
    private static readonly ObjectKey Key = new("meshlite-system", AuthoritySecret.Name);

    private FakeApiServer _api = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await FakeApiServer.StartAsync();
        _api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
    }

    public ValueTask DisposeAsync() => _api.DisposeAsync();

    [Fact]
    public async Task LoadOrCreate_SeveralAtOnce_AllHaveTheSame()
    {
        var authorities = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => LoadAsync()));

        authorities.Select(a => a.Bundle.ToPem()).Distinct().ShouldHaveSingleItem();
        _api.All(ResourceTypes.Secrets).ShouldHaveSingleItem();
        (await LoadAsync()).Bundle.ToPem().ShouldBe(authorities[0].Bundle.ToPem());
    }

    [Fact]
    public async Task LoadOrCreate_LateForTheCreation_ReadsWhatWon()
    {
        using var winner = await LoadAsync();
        // As if it had not been there yet when we looked.
        _api.Faults.Answer(System.Net.HttpStatusCode.NotFound, 1, null, (method, path) => method == "GET" && path.Contains("/secrets/"));

        using var late = await LoadAsync();

        late.Bundle.ToPem().ShouldBe(winner.Bundle.ToPem());
    }

    [Fact]
    public async Task LoadOrCreate_IntermediateBroughtByTheUser_TravelsAlongUnderItsRoot()
    {
        using var root = Root(out var rootKey);
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=mesh", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        using var intermediate = request.Create(root.SubjectName, X509SignatureGenerator.CreateForECDsa(rootKey), new DateTimeOffset(root.NotBefore), new DateTimeOffset(root.NotAfter), [1, 2, 3]);
        await PutAsync(key.ExportECPrivateKeyPem(), intermediate.ExportCertificatePem(), root.ExportCertificatePem());

        using var authority = await LoadAsync();

        authority.Bundle.Roots.ShouldHaveSingleItem().Thumbprint.ShouldBe(root.Thumbprint);
        authority.Intermediates.ShouldHaveSingleItem().Thumbprint.ShouldBe(intermediate.Thumbprint);
    }

    [Fact]
    public async Task LoadOrCreate_WithoutCaCrt_TheSelfSignedCertificateIsTheRoot()
    {
        using var root = Root(out var key);
        await PutAsync(key.ExportPkcs8PrivateKeyPem(), root.ExportCertificatePem(), null);

        using var authority = await LoadAsync();

        authority.Bundle.Roots.ShouldHaveSingleItem().Thumbprint.ShouldBe(root.Thumbprint);
    }

    [Theory]
    [InlineData("tls.key", "has no tls.key")]
    [InlineData("tls.crt", "has no tls.crt")]
    public async Task LoadOrCreate_IncompleteSecret_SaysWhatIsMissing(string missing, string problem)
    {
        _api.Put($$"""{apiVersion: v1, kind: Secret, metadata: {name: meshlite-ca, namespace: meshlite-system}, data: { {{(missing == "tls.key" ? "tls.crt" : "tls.key")}}: "" } }""");

        (await Should.ThrowAsync<StartupException>(LoadAsync)).Message.ShouldContain(problem);
    }

    [Fact]
    public async Task LoadOrCreate_Garbage_IsNoAuthorityAndNamesTheSecret()
    {
        await PutAsync("no key", "no certificate", null);

        (await Should.ThrowAsync<StartupException>(LoadAsync)).Message.ShouldContain("Secret meshlite-system/meshlite-ca");
    }

    private static X509Certificate2 Root(out System.Security.Cryptography.ECDsa key)
    {
        key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        return X509Certificate2.CreateFromPem(CertificateAuthority.MakeRoot(key.ExportPkcs8PrivateKeyPem(), "test", TimeProvider.System));
    }

    private async Task<CertificateAuthority> LoadAsync() => (await AuthoritySecret.LoadOrCreateAsync(_api.Client, Key.Namespace!, TimeProvider.System, Cancelled)).Signer;

    private Task<Secret> PutAsync(string key, string certificate, string? roots)
    {
        var data = new Dictionary<string, byte[]> { ["tls.key"] = Encoding.UTF8.GetBytes(key), ["tls.crt"] = Encoding.UTF8.GetBytes(certificate) };
        if (roots is not null)
        {
            data["ca.crt"] = Encoding.UTF8.GetBytes(roots);
        }

        return _api.Client.CreateAsync(ResourceTypes.Secrets, new Secret { Metadata = new ObjectMeta { Namespace = Key.Namespace, Name = Key.Name }, Type = "kubernetes.io/tls", Data = data }, Cancelled);
    }
}
