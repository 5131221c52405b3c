using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>The request target reaches the application as it was sent (design.md §3).</summary>
public sealed class TargetTests
{
    [Theory]
    [InlineData("/a%2Fb")]
    [InlineData("/a%2fb%5C")]
    [InlineData("//x")]
    [InlineData("//")]
    [InlineData("/a//b/")]
    [InlineData("/%7E")]
    [InlineData("/~")]
    [InlineData("/?a=%zz")]
    [InlineData("/?a=%")]
    [InlineData("/?")]
    [InlineData("/?a=b?c=/../d")]
    [InlineData("/a;v=1,2/b:c@d!$&'()*+=")]
    [InlineData("/a/./b/../c")]
    [InlineData("/a%20b+c?q=%20+")]
    [InlineData("/%e4%BD%a0")]
    [InlineData("/a?x=http://other/y#z")]
    [InlineData("/{a}|\"^`<>")]
    public async Task Target_InOriginForm_ArrivesAsSent(string target)
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET {target} HTTP/1.1\r\nHost: orders\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(200, response.Text);
        app.Received.ShouldHaveSingleItem().FirstLine.ShouldBe($"GET {target} HTTP/1.1");
    }

    /// <summary>RFC 9112 §3.2.2: the authority of an absolute-form target replaces Host; the application gets origin-form.</summary>
    [Theory]
    [InlineData("http://orders/a%2Fb?c", "/a%2Fb?c")]
    [InlineData("http://orders", "/")]
    [InlineData("http://orders?c=d", "/?c=d")]
    [InlineData("http://orders//x/../y", "//x/../y")]
    [InlineData("http://ORDERS:80/a", "/a")]
    public async Task Target_InAbsoluteForm_BecomesOriginForm(string target, string expected)
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET {target} HTTP/1.1\r\nHost: elsewhere\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(200, response.Text);
        var received = app.Received.ShouldHaveSingleItem();
        received.FirstLine.ShouldBe($"GET {expected} HTTP/1.1");
        received.Value("host")!.ShouldStartWith("orders", Case.Insensitive);
    }

    [Theory]
    [InlineData("/a%2Fb?x=%zz")]
    [InlineData("//x")]
    [InlineData("/%7E")]
    public async Task Target_OverHttp2_ArrivesAsSent(string target)
    {
        await using var app = await HttpApp.StartAsync("orders", protocols: HttpProtocols.Http2);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);

        using var response = await http.GetAsync(new Uri($"http://orders{target}", new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        app.Received.ShouldHaveSingleItem().RawTarget.ShouldBe(target);
    }

    [Fact]
    public async Task Query_OfFifteenKilobytes_Passes()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();
        var target = "/?" + new string('q', 15_000);

        await caller.SendAsync($"GET {target} HTTP/1.1\r\nHost: orders\r\n\r\n");

        (await caller.ReadMessageAsync())!.Status.ShouldBe(200);
        app.Received.ShouldHaveSingleItem().FirstLine.ShouldBe($"GET {target} HTTP/1.1");
    }

    /// <summary>Refused with the status made for it, by the caller's own sidecar, and nobody else notices.</summary>
    [Fact]
    public async Task Query_Of64Kilobytes_IsRefusedClearly()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET /?{new string('q', 64 * 1024)} HTTP/1.1\r\nHost: orders\r\n\r\n");

        (await caller.ReadMessageAsync())!.Status.ShouldBe(414);
        app.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Query_Of64KilobytesOverHttp2_IsRefusedAndOthersGoOn()
    {
        await using var app = await HttpApp.StartAsync("orders", protocols: HttpProtocols.Http2);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);
        (await http.GetAsync(new Uri("http://orders/before"))).StatusCode.ShouldBe(HttpStatusCode.OK);

        await Should.ThrowAsync<HttpRequestException>(() => http.GetAsync(new Uri($"http://orders/?{new string('q', 60 * 1024)}")));

        (await http.GetAsync(new Uri("http://orders/after"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        app.Received.Select(r => r.RawTarget).ShouldBe(["/before", "/after"]);
    }
}
