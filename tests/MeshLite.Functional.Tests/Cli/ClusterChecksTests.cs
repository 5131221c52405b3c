using MeshLite.Cli.Check;
using MeshLite.Kubernetes;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Functional.Tests.Cli;

/// <summary>The cluster's side of meshctl check, on an API server.</summary>
public sealed class ClusterChecksTests : IAsyncDisposable
{
    private static readonly string[] Kinds = ["trafficroutes", "trafficpolicies", "authorizationpolicies", "meshconfigs"];

    private readonly ManualTimeProvider _time = new();
    private readonly FakeApiServer _api;
    private readonly KubernetesClient _client;
    private readonly TestAuthority _root;

    public ClusterChecksTests()
    {
        _api = FakeApiServer.InProcess(_time);
        _client = _api.CreateClient(_time);
        _root = new TestAuthority(_time);
    }

    private TrustBundle Roots => TrustBundle.FromCertificates([_root.Public]);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task Run_Installed_IsOk()
    {
        Install(_root.Public.ExportCertificatePem());

        var results = await RunAsync();

        results.ShouldBe(
        [
            "Ok kinds: TrafficRoute, TrafficPolicy, AuthorizationPolicy, MeshConfig are installed",
            "Ok webhooks: MutatingWebhookConfiguration meshlite believes the mesh's roots", "Ok webhooks: ValidatingWebhookConfiguration meshlite believes the mesh's roots",
        ]);
    }

    [Fact]
    public async Task Run_NothingThere_SaysWhatIsMissing()
    {
        (await RunAsync()).ShouldBe(
        [
            "Failed kinds: not installed: TrafficRoute, TrafficPolicy, AuthorizationPolicy, MeshConfig",
            "Failed webhooks: there is no MutatingWebhookConfiguration meshlite", "Failed webhooks: there is no ValidatingWebhookConfiguration meshlite",
        ]);
    }

    [Theory]
    [InlineData("none", "has no CA bundle yet: nothing it is asked about can be created")]
    [InlineData("other", "does not believe CN=")]
    [InlineData("garbage", "has a CA bundle that is none")]
    public async Task Run_BundleDoesNotFit_IsNamed(string bundle, string says)
    {
        Install(bundle switch { "none" => "", "other" => new TestAuthority(_time, "CN=other").Public.ExportCertificatePem(), _ => "garbage" });

        var results = await RunAsync();

        results.Count(r => r.StartsWith("Failed webhooks: ", StringComparison.Ordinal) && r.Contains($"meshlite: x.meshlite.dev {says}", StringComparison.Ordinal)).ShouldBe(2);
    }

    private void Install(string bundlePem)
    {
        foreach (var plural in Kinds)
        {
            _api.Put($$$"""{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: {{{plural}}}.meshlite.dev}, spec: {}, status: {conditions: [{type: Established, status: "True"}]}}""");
        }

        var bundle = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(bundlePem));
        foreach (var kind in (string[])["Mutating", "Validating"])
        {
            _api.Put($$$"""{apiVersion: admissionregistration.k8s.io/v1, kind: {{{kind}}}WebhookConfiguration, metadata: {name: meshlite}, webhooks: [{name: x.meshlite.dev, clientConfig: {caBundle: "{{{bundle}}}"}}]}""");
        }
    }

    private async Task<string[]> RunAsync() =>
        [.. (await new ClusterChecks(_client).RunAsync(Roots, TestContext.Current.CancellationToken)).Select(r => $"{r.Outcome} {r.Subject}: {r.Says}")];
}
