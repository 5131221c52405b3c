using System.Net;
using MeshLite.E2E.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E;

/// <summary>From the document to the refusal, with the real programs.</summary>
public sealed class AuthorizationTests
{
    private const string Mesh = """
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {accessLog: {mode: All}}
        """;

    [Fact]
    public async Task Policy_SavedAndRemoved_DecidesWhoMayCall()
    {
        await using var mesh = await TestMesh.StartAsync(Mesh);
        var orders = await mesh.AppAsync("orders", "v1");
        await mesh.AppAsync("stock");
        var (web, batch) = (await mesh.ClientAsync("web"), await mesh.ClientAsync("batch"));
        await web.ReachesAsync("orders");
        await batch.ReachesAsync("orders");
        await batch.ReachesAsync("stock");

        mesh.Save("mesh.yaml", Mesh + """

            ---
            apiVersion: meshlite.dev/v1alpha1
            kind: AuthorizationPolicy
            metadata: {name: orders-callers, namespace: shop}
            spec:
              selector: {matchLabels: {version: v1}}
              rules:
              - from: {principals: ["spiffe://cluster.local/ns/shop/sa/web"]}
                to: {methods: [GET], paths: ["/items/*"]}
            """);

        await Eventually.TrueAsync(async () => (await batch.GetAsync("orders", "/items/1")).Status == HttpStatusCode.Forbidden, "batch is kept out");
        (await web.GetAsync("orders", "/items/1")).Status.ShouldBe(HttpStatusCode.OK);
        (await web.GetAsync("orders", "/admin")).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await batch.GetAsync("stock", "/")).Status.ShouldBe(HttpStatusCode.OK, "another workload");
        mesh.Save("mesh.yaml", Mesh);
        await Eventually.TrueAsync(async () => (await batch.GetAsync("orders", "/items/1")).Status == HttpStatusCode.OK, "everybody is let in again");
        orders.App.Received.ShouldNotContain(request => request.RawTarget == "/admin");
    }
}
