using System.Net;
using MeshLite.E2E.Kit;

namespace MeshLite.E2E;

public sealed class RequestTests
{
    [Fact]
    public async Task Get_ThroughTwoSidecars_ReachesTheApplicationWithTheCallersIdentity()
    {
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync("frontend");

        await client.ReachesAsync("orders");
        var answer = await client.GetAsync("orders", "/a%2Fb?q=1", ("x-test", "1"));

        answer.Status.ShouldBe(HttpStatusCode.OK);
        var received = orders.App.Received.ShouldHaveSingleItemWith("x-test", "1");
        received.RawTarget.ShouldBe("/a%2Fb?q=1");
        received.Header("meshlite-client-id").ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
    }

    [Fact]
    public async Task Get_AnyFormOfTheName_ReachesTheService()
    {
        await using var mesh = await TestMesh.StartAsync();
        await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");

        foreach (var host in new[] { "orders", "orders:80", "orders.shop", "orders.shop:80", "orders.shop.svc.cluster.local", "orders.shop.svc.cluster.local:80", "ORDERS.Shop" })
        {
            (await client.GetAsync(host)).App.ShouldBe("orders", host);
        }
    }

    [Fact]
    public async Task Get_AsHttpProxy_ReachesTheService()
    {
        await using var mesh = await TestMesh.StartAsync();
        await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        using var http = new HttpClient(new SocketsHttpHandler { Proxy = new WebProxy($"http://{client.Sidecar.Outbound}") });

        using var response = await http.GetAsync("http://orders/x");

        response.Headers.GetValues("x-app").ShouldBe(["orders"]);
    }

    [Fact]
    public async Task Post_ThroughTwoSidecars_CarriesTheBodyBothWays()
    {
        await using var mesh = await TestMesh.StartAsync();
        await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        using var request = client.Request(HttpMethod.Post, "orders");
        var body = new byte[300_000];
        new Random(1).NextBytes(body);
        request.Content = new ByteArrayContent(body);

        using var response = await client.SendAsync(request);

        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(body);
    }
}
