using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

public sealed class HttpTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_ThroughTwoSidecars_ReachesTheApplication(bool http2)
    {
        await using var mesh = await MeshFixture.StartAsync();
        await using var app = await HttpApp.StartAsync("orders", protocols: http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        using var http = MeshFixture.Client(client, http2);

        using var response = await http.GetAsync(new Uri("http://orders/a%2Fb?x=%20y"));

        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        var received = app.Received.ShouldHaveSingleItem();
        received.RawTarget.ShouldBe("/a%2Fb?x=%20y");
        received.Protocol.ShouldBe(http2 ? "HTTP/2" : "HTTP/1.1");
        received.Header("meshlite-client-id").ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
    }
}
