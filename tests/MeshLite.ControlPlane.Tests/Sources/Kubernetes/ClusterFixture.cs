using System.Net;
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

    private ClusterFixture(ClusterServer server, string number) => (Server, _number) = (server, number);

    public ClusterServer Server { get; }

    /// <summary>Of applications.</summary>
    public override string Namespace => $"shop-{_number}";

    /// <summary>Of the control plane.</summary>
    public string SystemNamespace => $"meshlite-system-{_number}";

    public static Task<ClusterFixture> BeginAsync(ClusterServer server, string? yaml = null) => BesideAsync(server, server.WhyNot is null ? server.NextNumber() : "", yaml);

    /// <summary>The same in namespaces that end so, where another process may be already.</summary>
    public static async Task<ClusterFixture> BesideAsync(ClusterServer server, string number, string? yaml = null)
    {
        Assert.SkipUnless(server.WhyNot is null, server.WhyNot ?? "");
        var fixture = new ClusterFixture(server, number);
        await server.PutAsync($"{{apiVersion: v1, kind: Namespace, metadata: {{name: {fixture.Namespace}}}}}");
        await server.PutAsync($"{{apiVersion: v1, kind: Namespace, metadata: {{name: {fixture.SystemNamespace}}}}}");
        if (yaml is not null)
        {
            await fixture.PutAsync(yaml);
        }

        await server.PermitAsync(fixture.SystemNamespace);
        await fixture.StartAsync();
        return fixture;
    }

    /// <summary>Another replica of the same control plane.</summary>
    public async Task<ClusterFixture> ReplicaAsync()
    {
        var replica = new ClusterFixture(Server, _number);
        await replica.StartAsync();
        return replica;
    }

    /// <summary>The control plane's own Service has these replicas; each in a slice of its own, since here each has a port of its own.</summary>
    public async Task PutReplicasAsync(params ClusterFixture[] replicas)
    {
        await Server.PutAsync($$$"""{apiVersion: v1, kind: Service, metadata: {name: meshlite-control-plane, namespace: {{{SystemNamespace}}}}, spec: {ports: [{name: grpc, port: 15012, protocol: TCP}]}}""");
        foreach (var (replica, i) in replicas.Select((r, i) => (r, i)))
        {
            await Server.PutAsync($$$"""
                {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: replica-{{{i}}}, namespace: {{{SystemNamespace}}}, labels: {kubernetes.io/service-name: meshlite-control-plane} }, addressType: IPv4,
                 ports: [{name: grpc, port: {{{replica.Host.GrpcEndPoint.Port}}}, protocol: TCP}], endpoints: [{addresses: [{{{replica.Host.GrpcEndPoint.Address}}}], conditions: {ready: true} }]}
                """);
        }
    }

    /// <summary>A replica's Pod is gone.</summary>
    public Task DeleteReplicaAsync(int i) => Server.DeleteAsync("EndpointSlice", SystemNamespace, $"replica-{i}");

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

    protected override ControlPlaneOptions Configure(ControlPlaneOptions options) => options with
    {
        Grpc = new IPEndPoint(Server.Address, 0), Webhook = new IPEndPoint(IPAddress.Loopback, 0),
        Cluster = new ClusterOptions { Kubeconfig = Server.KubeconfigOf(SystemNamespace), Namespace = SystemNamespace },
    };

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
