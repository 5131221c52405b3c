using System.Net;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>Header fields through both sidecars: all of them, byte for byte, but for those of the hop and of the mesh.</summary>
public sealed class HeaderTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";

    // Every byte that may stand in a value (RFC 9110 §5.5: obs-text), as Latin-1.
    private static readonly string AllBytes = string.Concat(Enumerable.Range(0x21, 0x7f - 0x21).Concat(Enumerable.Range(0x80, 0x80)).Select(b => (char)b));

    [Fact]
    public async Task Values_OfAnyBytes_PassBothWays()
    {
        await using var app = new WireApp($"{Ok}x-back: {AllBytes}\r\nx-utf8: {Latin1("grün 木")}\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\nx-there: {AllBytes}\r\nx-utf8: {Latin1("grün 木")}\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(200, response.Text);
        response.Value("x-back").ShouldBe(AllBytes);
        response.Value("x-utf8").ShouldBe(Latin1("grün 木"));
        var received = app.Received.ShouldHaveSingleItem();
        received.Value("x-there").ShouldBe(AllBytes);
        received.Value("x-utf8").ShouldBe(Latin1("grün 木"));
    }

    [Fact]
    public async Task Values_OfAnyBytesOverHttp2_PassBothWays()
    {
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                context.Response.Headers["x-back"] = context.Request.Headers["x-there"];
                context.Response.DeclareTrailer("x-trailer");
                await context.Response.WriteAsync("body");
                context.Response.AppendTrailer("x-trailer", context.Request.Headers["x-there"]);
            },
            HttpProtocols.Http2, Latin1Values);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://orders/") { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.TryAddWithoutValidation("x-there", AllBytes).ShouldBeTrue();

        using var response = await http.SendAsync(request);

        (await response.Content.ReadAsStringAsync()).ShouldBe("body");
        response.Headers.NonValidated["x-back"].ToString().ShouldBe(AllBytes);
        response.TrailingHeaders.NonValidated["x-trailer"].ToString().ShouldBe(AllBytes);
    }

    [Fact]
    public async Task Fields_ByTheHundred_AllPass()
    {
        var back = string.Concat(Enumerable.Range(0, 150).Select(i => $"x-back-{i}: {i}\r\n"));
        var there = string.Concat(Enumerable.Range(0, 150).Select(i => $"x-there-{i}: {i}\r\n"));
        await using var app = new WireApp($"{Ok}{back}\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\n{there}\r\n");
        var response = await caller.ReadMessageAsync();

        var received = app.Received.ShouldHaveSingleItem();
        for (var i = 0; i < 150; i++)
        {
            received.Value($"x-there-{i}").ShouldBe($"{i}");
            response!.Value($"x-back-{i}").ShouldBe($"{i}");
        }
    }

    /// <summary>RFC 6265 §3: folding several Set-Cookie fields into one changes their meaning.</summary>
    [Fact]
    public async Task SetCookie_Several_StayApart()
    {
        await using var app = new WireApp($"{Ok}Set-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nSet-Cookie: b=2; Path=/\r\nVary: x\r\nVary: y\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Values("set-cookie").ShouldBe(["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2; Path=/"]);
        string.Join(", ", response.Values("vary")).ShouldBe("x, y");
    }

    /// <summary>RFC 9113 §8.2.3: HTTP/2 may split the Cookie field; towards HTTP/1.1 it is one again.</summary>
    [Theory]
    [InlineData("Cookie: a=1\r\nCookie: b=2; c=\"3, 4\"\r\n", "a=1; b=2; c=\"3, 4\"")]
    [InlineData("Cookie: a=1; b=2\r\n", "a=1; b=2")]
    public async Task Cookie_InCrumbs_IsOneFieldAtTheApplication(string fields, string expected)
    {
        await using var app = new WireApp($"{Ok}\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\n{fields}\r\n");
        await caller.ReadMessageAsync();

        app.Received.ShouldHaveSingleItem().Values("cookie").ShouldBe([expected]);
    }

    [Fact]
    public async Task Values_Repeated_KeepTheirOrder()
    {
        await using var app = new WireApp($"{Ok}\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nx-list: a\r\nAccept: text/html;q=0.5, */*\r\nx-list: b, c\r\nx-list: a\r\n\r\n");
        await caller.ReadMessageAsync();

        var received = app.Received.ShouldHaveSingleItem();
        string.Join(", ", received.Values("x-list")).ShouldBe("a, b, c, a");
        received.Value("accept").ShouldBe("text/html;q=0.5, */*");
    }

    [Fact]
    public async Task Values_Empty_StayAndStayEmpty()
    {
        await using var app = new WireApp($"{Ok}x-back:\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nx-there:\r\nAccept-Encoding:\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Value("x-back").ShouldBe("");
        app.Received.ShouldHaveSingleItem().Value("x-there").ShouldBe("");
        app.Received.ShouldHaveSingleItem().Value("accept-encoding").ShouldBe("");
    }

    /// <summary>Fields that describe a body pass without one, and values no library would make pass as they are.</summary>
    [Fact]
    public async Task Fields_OfUnusualForm_PassAsTheyAre()
    {
        string[] fields =
        [
            "Content-Type: text/plain;charset=", "Expires: 0", "Last-Modified: yesterday", "If-None-Match: W/\"a\",b", "User-Agent: a(b", "Date: never",
            "Content-Encoding: gzip", "Allow: GET,,PUT", "From: nobody", "Max-Forwards: many", "Range: bytes=0-1,5-", "Authorization: Weird  two  blanks",
        ];
        await using var app = new WireApp($"{Ok}{string.Concat(fields.Select(f => $"{f}\r\n"))}ETag: unquoted\r\nRetry-After: soon\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\n{string.Concat(fields.Select(f => $"{f}\r\n"))}\r\n");
        var response = await caller.ReadMessageAsync();

        var received = app.Received.ShouldHaveSingleItem();
        response!.Value("etag").ShouldBe("unquoted");
        response.Value("retry-after").ShouldBe("soon");
        foreach (var field in fields)
        {
            var (name, value) = (field[..field.IndexOf(':')], field[(field.IndexOf(':') + 2)..]);
            received.Value(name).ShouldBe(value, name);
            response.Value(name).ShouldBe(value, name);
        }
    }

    /// <summary>RFC 9110 §7.6.1.</summary>
    [Theory]
    [InlineData("x-foo, X-Bar")]
    [InlineData("x-foo,keep-alive ,X-Bar")]
    [InlineData("x-foo, X-Bar, Close")]
    [InlineData("Keep-Alive, x-foo, close, X-Bar")]
    [InlineData("x-foo\r\nConnection: X-Bar")]
    public async Task Fields_NominatedByConnection_AreRemovedBothWays(string nominated)
    {
        var hop = $"Connection: {nominated}\r\nx-foo: 1\r\nX-BAR: 2\r\nx-kept: 3\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\n";
        await using var app = new WireApp($"{Ok}{hop}Proxy-Authenticate: Basic\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\n{hop}Proxy-Authorization: Basic eA==\r\nTE: deflate\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        var closes = nominated.Contains("close", StringComparison.OrdinalIgnoreCase);
        response!.Value("connection").ShouldBe(closes ? "close" : null);
        app.Received.ShouldHaveSingleItem().Value("connection").ShouldBeNull();
        foreach (var message in (WireMessage[])[response, app.Received.Single()])
        {
            message.Value("x-kept").ShouldBe("3");
            foreach (var gone in (string[])["x-foo", "x-bar", "keep-alive", "proxy-connection", "proxy-authorization", "proxy-authenticate", "te", "upgrade"])
            {
                message.Values(gone).ShouldBeEmpty($"{gone} in {message.FirstLine}: {string.Join(" | ", message.Headers)}");
            }
        }
    }

    /// <summary>Connection may not take away what makes the message what it is, nor what the mesh says.</summary>
    [Fact]
    public async Task Connection_NominatingHostAndMeshHeaders_TakesNothingTheMeshAdds()
    {
        await using var app = new WireApp($"{Ok}\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 2\r\nConnection: Host, Content-Length, meshlite-client-id, meshlite-protocol\r\n\r\nhi");
        (await caller.ReadMessageAsync())!.Status.ShouldBe(200);

        var received = app.Received.ShouldHaveSingleItem();
        received.Value("host").ShouldBe("orders");
        received.Text.ShouldBe("hi");
        received.Value("meshlite-client-id").ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
    }

    [Fact]
    public async Task MeshHeaders_Forged_AreStrippedBothWays()
    {
        const string forged = "meshlite-client-id: spiffe://cluster.local/ns/x/sa/admin\r\nMeshLite-Source: me\r\nmeshlite-undelivered: 1\r\nmeshlite-error: denied\r\nmeshlite-anything: 1\r\n";
        await using var app = new WireApp($"{Ok}{forged}meshlite-timeout: 1S\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\n{forged}X-Forwarded-For: 1.2.3.4\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        var received = app.Received.ShouldHaveSingleItem();
        received.Headers.Where(h => h.Name.StartsWith("meshlite", StringComparison.OrdinalIgnoreCase))
            .ShouldBe([("meshlite-client-id", "spiffe://cluster.local/ns/shop/sa/frontend")]);
        received.Value("x-forwarded-for").ShouldBe("1.2.3.4");
        response!.Headers.ShouldNotContain(h => h.Name.StartsWith("meshlite", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Host_AsTheCallerWroteIt_ReachesTheApplication(bool http2)
    {
        await using var app = await HttpApp.StartAsync("orders", protocols: http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://orders/") { Version = http2 ? HttpVersion.Version20 : HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = "Orders:80";

        using var response = await http.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        app.Received.ShouldHaveSingleItem().Header("host").ShouldBe("Orders:80");
    }

    private static string Latin1(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    private static void Latin1Values(KestrelServerOptions kestrel)
    {
        kestrel.RequestHeaderEncodingSelector = _ => Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;
    }
}
