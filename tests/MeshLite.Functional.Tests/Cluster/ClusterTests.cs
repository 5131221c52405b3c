using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Cluster;

/// <summary>Real sidecars under a real control plane that reads a cluster: who is called, and how, while the cluster changes and parts of it are away.</summary>
public sealed class ClusterTests
{
    [Fact]
    public async Task Call_ServiceOfTheCluster_ReachesItsPodsAsTheyAre()
    {
        await using var mesh = await ClusterMesh.StartAsync();
        await mesh.PodAsync("orders-1");
        await mesh.BarePodAsync("orders-2");
        using var http = MeshFixture.Client(await mesh.ClientAsync("front-9"));
        mesh.PutService("orders", "orders-1");

        await AnswersAsync(http, "orders-1");
        mesh.PutSlice("orders", "orders-1!", "orders-2");
        await AnswersAsync(http, "orders-2");
        mesh.PutSlice("orders", "orders-1", "orders-2!");
        await AnswersAsync(http, "orders-1");
        mesh.PutSlice("orders");
        await Eventually.TrueAsync(async () => (await http.GetAsync(Orders)).Headers.TryGetValues("meshlite-error", out var reason) && reason.Single() == "no_healthy_endpoint", "nobody is left");
    }

    [Fact]
    public async Task Load_ReadinessFlips_NothingIsLost()
    {
        await using var mesh = await ClusterMesh.StartAsync();
        await mesh.PodAsync("orders-1");
        await mesh.PodAsync("orders-2");
        using var http = MeshFixture.Client(await mesh.ClientAsync("front-9"));
        mesh.PutService("orders", "orders-1", "orders-2");
        await AnswersAsync(http, "orders-1");
        await using var load = new Load(http);

        for (var round = 0; round < 20; round++)
        {
            var (on, off) = round % 2 == 0 ? ("orders-1", "orders-2") : ("orders-2", "orders-1");
            mesh.PutSlice("orders", on, off + "!");
            // Out of rotation: from some moment on only the other answers.
            await load.OnlyAsync(on);
        }

        await load.EndAsync();
    }

    [Fact]
    public async Task Load_ApiServerAndControlPlaneAreAway_NothingIsLostAndAllIsCaughtUp()
    {
        await using var mesh = await ClusterMesh.StartAsync();
        await mesh.PodAsync("orders-1");
        await mesh.PodAsync("orders-2");
        using var http = MeshFixture.Client(await mesh.ClientAsync("front-9"));
        mesh.PutService("orders", "orders-1");
        await AnswersAsync(http, "orders-1");
        await using var load = new Load(http);

        await mesh.Api.StopAsync();
        mesh.PutSlice("orders", "orders-2");
        mesh.Api.Compact();
        await load.OnlyAsync("orders-1");
        await mesh.Api.RestartAsync();
        await load.OnlyAsync("orders-2");

        await mesh.StopControlPlaneAsync();
        mesh.PutSlice("orders", "orders-1");
        await load.OnlyAsync("orders-2");
        await mesh.StartControlPlaneAsync();
        await load.OnlyAsync("orders-1");

        await load.EndAsync();
    }

    [Fact]
    public async Task Route_ObjectOfTheCluster_IsInForceAndABadOneLeavesIt()
    {
        const string route = """
            {apiVersion: meshlite.dev/v1alpha1, kind: TrafficRoute, metadata: {name: orders, namespace: shop},
             spec: {parentRefs: [{kind: Service, name: orders}], rules: [{name: all, filters: [{type: RequestRedirect, requestRedirect: {hostname: moved.example, statusCode: 301}}]}]}}
            """;
        await using var mesh = await ClusterMesh.StartAsync();
        await mesh.PodAsync("orders-1");
        using var handler = MeshFixture.Handler(await mesh.ClientAsync("front-9"));
        handler.AllowAutoRedirect = false;
        using var http = new HttpClient(handler) { Timeout = TimeSpan.FromSeconds(60) };
        mesh.PutService("orders", "orders-1");
        await AnswersAsync(http, "orders-1");

        mesh.Api.Put(route.Replace("301", "302", StringComparison.Ordinal).Replace("hostname", "hosttname", StringComparison.Ordinal));
        mesh.PutService("other", "orders-1");
        await AnswersAsync(http, "orders-1", "other");
        (await http.GetAsync(Orders)).StatusCode.ShouldBe(HttpStatusCode.OK);

        mesh.Api.Put(route);
        await Eventually.TrueAsync(async () => (await http.GetAsync(Orders)).StatusCode == HttpStatusCode.MovedPermanently, "the route is in force");
    }

    private static readonly Uri Orders = new("http://orders/");

    private static Task AnswersAsync(HttpClient http, string pod, string service = "orders") =>
        Eventually.TrueAsync(async () => Load.AnswererOf(await http.GetAsync(new Uri($"http://{service}/"))) == pod, $"{pod} answers");
}
