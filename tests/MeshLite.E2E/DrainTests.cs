using System.Collections.Concurrent;
using System.Net;
using MeshLite.E2E.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E;

public sealed class DrainTests
{
    // Each in turn, so that both certainly have requests under way.
    private const string RoundRobin = """
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: orders, namespace: shop}
        spec:
          targetRef: {kind: Service, name: orders}
          loadBalancer: {type: RoundRobin}
        """;

    [Fact]
    public async Task Sigterm_OneOfTwoReplicasUnderLoad_LosesAndDoublesNothing()
    {
        await using var mesh = await TestMesh.StartAsync(RoundRobin);
        MeshApp[] replicas = [await mesh.AppAsync("orders", "v1"), await mesh.AppAsync("orders", "v2")];
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        await Eventually.TrueAsync(async () => (await client.GetAsync("orders")).App == "v1", "v1 serves");
        await Eventually.TrueAsync(async () => (await client.GetAsync("orders")).App == "v2", "v2 serves");

        var answers = new ConcurrentDictionary<string, string>();
        var stop = false;
        var load = Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            for (var i = 0; !Volatile.Read(ref stop); i++)
            {
                var id = $"{worker}-{i}";
                using var request = client.Request(HttpMethod.Post, "orders", "/", ("x-request-id", id));
                request.Content = new StringContent(id);
                using var response = await client.SendAsync(request);
                answers[id] = response.StatusCode == HttpStatusCode.OK ? "ok" : await response.Content.ReadAsStringAsync();
            }
        })).ToArray();
        await Eventually.TrueAsync(() => answers.Count > 200, "load is under way");

        (await replicas[0].Sidecar.DrainAsync()).ShouldBe(0);
        var drained = answers.Count;
        await Eventually.TrueAsync(() => answers.Count > drained + 200, "load goes on at the other");
        Volatile.Write(ref stop, true);
        await Task.WhenAll(load);

        answers.Where(a => a.Value != "ok").ShouldBeEmpty();
        var received = replicas.SelectMany(r => r.App.Received).Select(r => r.Header("x-request-id")).OfType<string>().ToArray();
        received.Order().ShouldBe(answers.Keys.Order());
    }
}
