using System.Globalization;
using System.Text.Json.Nodes;
using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.E2E.Pods.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>Resources deleted while they are used, and EndpointSlices that never rest.</summary>
[Collection(KubeCollection.Name)]
public sealed class ResourceTests(KubeMesh mesh)
{
    private const int Updates = 667; // at 2,000 a minute 20 s
    private const string Unknown = "meshlite-error: destination_unknown";

    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(30);

    [Fact]
    public async Task TrafficPolicy_DeletedWhileInUse_NobodyNotices()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        var load = await Load.StartAsync(scene.Caller, Scene.Service, "policy", scene.Servers[0]);

        await mesh.Cluster.DeleteAsync("TrafficPolicy", KubeMesh.Shop, Scene.Service);
        await BalancerAsync(scene, "PeakEwma");
        await mesh.Cluster.ApplyAsync(Scene.Policy(Scene.Service, Scene.Service));
        await BalancerAsync(scene, "RoundRobin");

        (await load.StopAsync(scene.Servers)).ShouldBeWhole();
    }

    [Fact]
    public async Task Service_DeletedWhileInUse_IsUnknownUntilItIsBack()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        await mesh.ServiceAsync("brief");
        var pod = await mesh.PodAsync(KubePodSpec.Server("brief"));
        var address = (await mesh.Cluster.FindAsync("Service", KubeMesh.Shop, "brief"))!["spec"]!["clusterIP"]!.GetValue<string>();
        Task<string> GetAsync() => scene.Caller.Pod.RunAsync("curl", "-sSi", "-m", "10", $"http://{address}/hello");
        await Eventually.TrueAsync(async () => (await GetAsync()).Contains("hello from brief", StringComparison.Ordinal), "it is served", TimeSpan.FromSeconds(30));

        await mesh.Cluster.DeleteAsync("Service", KubeMesh.Shop, "brief");
        await Eventually.TrueAsync(async () => (await GetAsync()).Contains(Unknown, StringComparison.Ordinal), "it is unknown", TimeSpan.FromSeconds(30));

        await mesh.Cluster.ApplyAsync($$$"""
            apiVersion: v1
            kind: Service
            metadata: {name: brief, namespace: shop}
            spec: {clusterIP: {{{address}}}, selector: {app: brief}, ports: [{name: http, port: 80, targetPort: http, protocol: TCP}]}
            """);
        await Eventually.TrueAsync(async () => (await GetAsync()).Contains("hello from brief", StringComparison.Ordinal), "it is served again", TimeSpan.FromSeconds(30));
        await pod.EndAsync();
    }

    [Fact]
    public async Task EndpointSlices_Changing2000TimesAMinute_LoseNothing()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        await mesh.Cluster.ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: {name: restless, namespace: shop}
            spec: {clusterIP: 10.96.78.1, ports: [{name: http, port: 80, protocol: TCP}]}
            """);
        await mesh.Cluster.ApplyAsync(Slice(scene, 0));
        await PodMesh.ReachesAsync(scene.Caller.Pod, "http://10.96.78.1/hello");
        var load = await Load.StartAsync(scene.Caller, "10.96.78.1", "restless", scene.Servers[0]);

        var started = TimeProvider.System.GetTimestamp();
        using (var timer = new PeriodicTimer(Interval, TimeProvider.System))
        {
            for (var i = 1; i <= Updates; i++)
            {
                await timer.WaitForNextTickAsync();
                await mesh.Cluster.ApplyAsync(Slice(scene, i));
            }
        }

        var elapsed = TimeProvider.System.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{60 * Updates / elapsed.TotalSeconds:0} updates a minute"));
        var result = await load.StopAsync(scene.Servers);
        result.ShouldBeWhole();
        result.ByPod.ShouldAllBe(seen => seen > 100);
    }

    // Of three pods two are ready, others each time.
    private static string Slice(Scene scene, int turn)
    {
        var endpoints = scene.Servers.Select((server, i) =>
            $"{{addresses: [{server.Pod.Address}], conditions: {{ready: {(i == turn % 3 ? "false" : "true")}}}, targetRef: {{kind: Pod, name: {server.Pod.Name}, namespace: shop}}}}");
        return $$$"""
            apiVersion: discovery.k8s.io/v1
            kind: EndpointSlice
            metadata: {name: restless-1, namespace: shop, labels: {kubernetes.io/service-name: restless}}
            addressType: IPv4
            ports: [{name: http, port: 8080, protocol: TCP}]
            endpoints: [{{{string.Join(", ", endpoints)}}}]
            """;
    }

    // By what the sidecar goes by for the Service's own address.
    private async Task BalancerAsync(Scene scene, string balancer)
    {
        var address = (await mesh.Cluster.FindAsync("Service", KubeMesh.Shop, Scene.Service))!["spec"]!["clusterIP"]!.GetValue<string>();
        await Eventually.TrueAsync(
            async () => JsonNode.Parse(await scene.Caller.Pod.RunAsync("curl", "-sS", "http://127.0.0.1:15000/clusters"), new JsonNodeOptions { PropertyNameCaseInsensitive = true })!.AsArray()
                .Single(cluster => cluster!["authority"]!.GetValue<string>().StartsWith(address + ":", StringComparison.Ordinal))!["backends"]![0]!["loadBalancer"]!.GetValue<string>() == balancer,
            $"{balancer} is in force", TimeSpan.FromSeconds(30));
    }
}
