using System.Net;
using MeshLite.E2E.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E;

public sealed class PolicyTests
{
    private const string Subsets = """
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: orders, namespace: shop}
        spec:
          targetRef: {kind: Service, name: orders}
          subsets:
          - {name: v1, labels: {version: v1}}
          - {name: v2, labels: {version: v2}}

        """;

    [Fact]
    public async Task Route_MatchOnHeader_SendsToTheSubset()
    {
        await using var mesh = await TestMesh.StartAsync(Subsets + Route("v1", testers: "v2"));
        await mesh.AppAsync("orders", "v1");
        await mesh.AppAsync("orders", "v2");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        await client.ReachesAsync("orders", "/", ("x-canary", "true"));

        for (var i = 0; i < 20; i++)
        {
            (await client.GetAsync("orders")).App.ShouldBe("v1");
            (await client.GetAsync("orders", "/", ("x-canary", "true"))).App.ShouldBe("v2");
        }
    }

    [Fact]
    public async Task Route_Saved_TakesEffectWithoutARestart()
    {
        await using var mesh = await TestMesh.StartAsync(Subsets + Route("v1"));
        await mesh.AppAsync("orders", "v1");
        await mesh.AppAsync("orders", "v2");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        (await client.GetAsync("orders")).App.ShouldBe("v1");

        foreach (var version in new[] { "v2", "v1", "v2" })
        {
            mesh.Save("mesh.yaml", Subsets + Route(version));
            await Eventually.TrueAsync(async () => (await client.GetAsync("orders")).App == version, $"{version} answers");
        }
    }

    [Fact]
    public async Task Route_BadDocument_LeavesTheLastGoodOneInForceAndIsNamedInTheLog()
    {
        await using var mesh = await TestMesh.StartAsync(Subsets + Route("v1"));
        await mesh.AppAsync("orders", "v1");
        await mesh.AppAsync("orders", "v2");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");

        mesh.Save("mesh.yaml", Subsets + Route("v2").Replace("backendRefs:", "backendReffs:", StringComparison.Ordinal));
        var reason = await mesh.ControlPlane.Process.LineAsync(l => l.Contains("backendReffs", StringComparison.Ordinal), TimeSpan.FromSeconds(15));

        reason.ShouldContain("mesh.yaml");
        for (var i = 0; i < 20; i++)
        {
            var answer = await client.GetAsync("orders");
            answer.Status.ShouldBe(HttpStatusCode.OK);
            answer.App.ShouldBe("v1");
        }

        mesh.Save("mesh.yaml", Subsets + Route("v2"));
        await Eventually.TrueAsync(async () => (await client.GetAsync("orders")).App == "v2", "v2 answers once the document is good");
    }

    private static string Route(string everyone, string? testers = null) => $$"""
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: orders, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - name: testers
            matches: [{headers: [{name: x-canary, value: "true"}]}]
            backendRefs: [{name: orders, subset: {{testers ?? everyone}}}]
          - name: everyone
            backendRefs:
            - {name: orders, subset: {{everyone}}}

        """;
}
