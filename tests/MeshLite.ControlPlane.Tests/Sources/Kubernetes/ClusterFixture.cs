using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Tests.Streaming;
using MeshLite.Kubernetes;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.ControlPlane.Tests.Sources.Kubernetes;

/// <summary>A whole control plane of a cluster, beside the API server it watches. Services have their Pods on port 8080.</summary>
internal sealed class ClusterFixture : ControlPlaneFixture
{
    public const string Namespace = "meshlite-system";

    private readonly TestDirectory _files = new();

    private ClusterFixture(FakeApiServer api) => Api = api;

    public FakeApiServer Api { get; }

    protected override TrustBundle Roots
    {
        get
        {
            var secret = Api.Find(ResourceTypes.Secrets, new ObjectKey(Namespace, AuthoritySecret.Name))!;
            return TrustBundle.FromPem(System.Text.Encoding.UTF8.GetString(Convert.FromBase64String((string)secret["data"]!["ca.crt"]!)));
        }
    }

    public static async Task<ClusterFixture> BeginAsync(params string[] objects)
    {
        var fixture = new ClusterFixture(await FakeApiServer.StartAsync());
        fixture.Api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
        fixture.Api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}");
        foreach (var item in objects)
        {
            fixture.Api.Put(item);
        }

        await fixture.StartAsync();
        return fixture;
    }

    /// <summary>A Service and its slice; each endpoint as <c>name</c>, <c>name!</c> (not ready), <c>name~</c> (terminating, serving).</summary>
    public void PutService(string name, params string[] endpoints)
    {
        Api.Put($$"""
            {apiVersion: v1, kind: Service, metadata: {name: {{name}}, namespace: shop}, spec: {clusterIP: 10.96.0.{{name.Length}}, ports: [{port: 80, targetPort: 8080, protocol: TCP}]} }
            """);
        PutSlice(name, endpoints);
    }

    public JsonObject PutSlice(string service, params string[] endpoints) => Api.Put($$"""
        {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: {{service}}-1, namespace: shop, labels: {kubernetes.io/service-name: {{service}} } }, addressType: IPv4,
         ports: [{name: "", port: 8080, protocol: TCP}], endpoints: [{{string.Join(", ", endpoints.Select(Endpoint))}}]}
        """);

    public void PutPod(string name, string serviceAccount = "default", bool injected = true, string annotations = "") => Api.Put($$"""
        {apiVersion: v1, kind: Pod, metadata: {name: {{name}}, namespace: shop, annotations: { {{annotations}} } },
         spec: {serviceAccountName: {{serviceAccount}}, containers: [{name: {{(injected ? "meshlite-sidecar" : "app")}} }]}, status: {phase: Running, podIP: {{AddressOf(name)}} } }
        """);

    /// <summary>Of a Pod called <c>orders-7</c>: 10.1.0.7; <c>orders-3.7</c>: 10.1.3.7.</summary>
    public static string AddressOf(string pod) =>
        pod.TrimEnd('!', '~').Split('-')[^1] is var end && end.Contains('.', StringComparison.Ordinal) ? $"10.1.{end}" : $"10.1.0.{end}";

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await Api.DisposeAsync();
        _files.Dispose();
    }

    protected override ControlPlaneOptions Configure(ControlPlaneOptions options) =>
        options with { Cluster = new ClusterOptions { Kubeconfig = Api.WriteKubeconfig(_files["kubeconfig"]), Namespace = Namespace } };

    protected override string TokenOf(string ns, string serviceAccount) => Api.IssueToken(ns, serviceAccount, JoinToken.Audience);

    private static string Endpoint(string pod)
    {
        var (ready, terminating) = (pod[^1] is not ('!' or '~'), pod[^1] == '~');
        return $"{{addresses: [{AddressOf(pod)}], conditions: {{ready: {Json(ready)}, serving: {Json(ready || terminating)}, terminating: {Json(terminating)}}}, targetRef: {{kind: Pod, namespace: shop, name: {pod.TrimEnd('!', '~')}}}}}";
    }

    private static string Json(bool value) => value ? "true" : "false";
}
