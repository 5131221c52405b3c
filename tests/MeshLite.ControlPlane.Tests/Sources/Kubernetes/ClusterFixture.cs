using System.Text;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Tests.Streaming;
using MeshLite.Kubernetes;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Tests.Sources.Kubernetes;

/// <summary>A whole control plane of a cluster, in namespaces of its own. Services have their Pods on port 8080.</summary>
internal sealed class ClusterFixture : ControlPlaneFixture
{
    private readonly string _number;

    private ClusterFixture(ClusterServer server) => (Server, _number) = (server, server.NextNumber());

    public ClusterServer Server { get; }

    /// <summary>Of applications.</summary>
    public override string Namespace => $"shop-{_number}";

    /// <summary>Of the control plane.</summary>
    public string SystemNamespace => $"meshlite-system-{_number}";

    public static async Task<ClusterFixture> BeginAsync(ClusterServer server, string? yaml = null)
    {
        Assert.SkipUnless(server.WhyNot is null, server.WhyNot ?? "");
        var fixture = new ClusterFixture(server);
        await server.PutAsync($"{{apiVersion: v1, kind: Namespace, metadata: {{name: {fixture.Namespace}}}}}");
        await server.PutAsync($"{{apiVersion: v1, kind: Namespace, metadata: {{name: {fixture.SystemNamespace}}}}}");
        if (yaml is not null)
        {
            await fixture.PutAsync(yaml);
        }

        await fixture.StartAsync();
        return fixture;
    }

    /// <summary>Creates or changes an object whose namespace is written <c>NS</c>.</summary>
    public Task PutAsync(string yaml) => Server.PutAsync(yaml.Replace("namespace: NS", $"namespace: {Namespace}", StringComparison.Ordinal));

    /// <summary>A Service and its slice; each endpoint as <c>name</c>, <c>name!</c> (not ready), <c>name~</c> (terminating, serving).</summary>
    public async Task PutServiceAsync(string name, params string[] endpoints)
    {
        await PutAsync($$$"""{apiVersion: v1, kind: Service, metadata: {name: {{{name}}}, namespace: NS}, spec: {ports: [{name: http, port: 80, targetPort: 8080, protocol: TCP}]}}""");
        await PutSliceAsync(name, endpoints);
    }

    public Task PutSliceAsync(string service, params string[] endpoints) => PutAsync($$$"""
        {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: {{{service}}}-1, namespace: NS, labels: {kubernetes.io/service-name: {{{service}}} } }, addressType: IPv4,
         ports: [{name: http, port: 8080, protocol: TCP}], endpoints: [{{{string.Join(", ", endpoints.Select(Endpoint))}}}]}
        """);

    public Task PutPodAsync(string name, string serviceAccount = "default", bool injected = true, string annotations = "") => PutAsync($$$"""
        {apiVersion: v1, kind: Pod, metadata: {name: {{{name}}}, namespace: NS, annotations: { {{{annotations}}} } },
         spec: {serviceAccountName: {{{serviceAccount}}}, containers: [{name: {{{(injected ? "meshlite-sidecar" : "app")}}}, image: none}]},
         status: {phase: Running, podIP: {{{AddressOf(name)}}}, podIPs: [{ip: {{{AddressOf(name)}}} }]} }
        """);

    /// <summary>Of a Pod called <c>orders-7</c>: 10.1.0.7.</summary>
    public static string AddressOf(string pod) => $"10.1.0.{pod.TrimEnd('!', '~').Split('-')[^1]}";

    protected override ControlPlaneOptions Configure(ControlPlaneOptions options) =>
        options with { Cluster = new ClusterOptions { Kubeconfig = Server.Kubeconfig, Namespace = SystemNamespace } };

    protected override Task<string> TokenOfAsync(string ns, string serviceAccount) => Server.IssueTokenAsync(ns, serviceAccount, JoinToken.Audience);

    protected override async Task<TrustBundle> RootsAsync() =>
        TrustBundle.FromPem(Encoding.UTF8.GetString((await Server.Client.GetAsync(ResourceTypes.Secrets, new ObjectKey(SystemNamespace, AuthoritySecret.Name))).Data["ca.crt"]));

    private string Endpoint(string pod)
    {
        var (ready, terminating) = (pod[^1] is not ('!' or '~'), pod[^1] == '~');
        return $"{{addresses: [{AddressOf(pod)}], conditions: {{ready: {Json(ready)}, serving: {Json(ready || terminating)}, terminating: {Json(terminating)}}}, targetRef: {{kind: Pod, namespace: {Namespace}, name: {pod.TrimEnd('!', '~')}}}}}";
    }

    private static string Json(bool value) => value ? "true" : "false";
}
