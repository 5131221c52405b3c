using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>What a rule does to a message on its way: redirects, rewrites, headers, and keeping callers together.</summary>
public sealed class RouteFilterTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    /// <summary>The table of the Gateway API's HTTPPathModifier (ReplacePrefixMatch), and what follows from it.</summary>
    public static TheoryData<string, string, string, string> Prefixes => new()
    {
        { "/foo/bar", "/foo", "/xyz", "/xyz/bar" },
        { "/foo/bar", "/foo", "/xyz/", "/xyz/bar" },
        { "/foo/bar", "/foo/", "/xyz", "/xyz/bar" },
        { "/foo/bar", "/foo/", "/xyz/", "/xyz/bar" },
        { "/foo", "/foo", "/xyz", "/xyz" },
        { "/foo/", "/foo", "/xyz", "/xyz/" },
        { "/foo/bar", "/foo", "", "/bar" },
        { "/foo/", "/foo", "", "/" },
        { "/foo", "/foo", "", "/" },
        { "/foo/", "/foo", "/", "/" },
        { "/foo", "/foo", "/", "/" },
        { "/foo/bar?a=b%20c", "/foo", "/xyz", "/xyz/bar?a=b%20c" },
        { "/foo?q", "/foo", "", "/?q" },
        { "/foo/b%20r", "/foo", "/xyz", "/xyz/b%20r" },
        { "/a/b", "/", "/x", "/x/a/b" },
    };

    [Theory]
    [MemberData(nameof(Prefixes))]
    public async Task Rewrite_Prefix_IsReplacedAsTheGatewayApiSays(string path, string prefix, string replacement, string sent)
    {
        var service = mesh.Service();
        service.Match = new PathMatchConfig(PathMatchType.PathPrefix, prefix);
        service.Rule = TestService.Plain with { Rewrite = new UrlRewriteConfig { Path = new PathRewriteConfig(PathRewriteType.ReplacePrefixMatch, replacement) } };
        await service.PublishAsync();

        (await service.SendAsync("GET", path)).Status.ShouldBe(200);

        service.Arrivals.ShouldHaveSingleItem().Target.ShouldBe(sent);
        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("path").GetString().ShouldBe(path.Split('?')[0], "logs show it as it came");
    }

    [Fact]
    public async Task Rewrite_HostAndFullPath_ReachTheApplicationThroughRetries()
    {
        var service = mesh.Service();
        var rewritten = mesh.Service("legacy.example");
        rewritten.Answer = (_, context) => TestService.Status(context, rewritten.Arrivals.Count == 1 ? 503 : 200);
        service.Rule = TestService.Plain with
        {
            Rewrite = new UrlRewriteConfig { Hostname = "legacy.example", Path = new PathRewriteConfig(PathRewriteType.ReplaceFullPath, "/new") },
        };
        await service.PublishAsync();

        (await service.SendAsync("GET", "/old?x=1")).Status.ShouldBe(200);

        rewritten.Arrivals.Count.ShouldBe(2);
        rewritten.Arrivals.ShouldAllBe(a => a.Target == "/new?x=1" && a.Headers["Host"] == "legacy.example");
    }

    public static TheoryData<RedirectConfig, string, int, string> Redirects => new()
    {
        { new RedirectConfig { Scheme = "https" }, "/a?b=c", 302, "https://HOST/a?b=c" },
        { new RedirectConfig { Hostname = "example.org", StatusCode = 301 }, "/a", 301, "http://example.org/a" },
        { new RedirectConfig { Hostname = "example.org", Port = 8080 }, "/", 302, "http://example.org:8080/" },
        { new RedirectConfig { Scheme = "https", Port = 443 }, "/", 302, "https://HOST/" },
        { new RedirectConfig { Scheme = "http", Port = 443 }, "/", 302, "http://HOST:443/" },
        { new RedirectConfig { Port = 80 }, "/", 302, "http://HOST/" },
        { new RedirectConfig { StatusCode = 307, Path = new PathRewriteConfig(PathRewriteType.ReplaceFullPath, "/z") }, "/a?b", 307, "http://HOST/z?b" },
        { new RedirectConfig { StatusCode = 308, Path = new PathRewriteConfig(PathRewriteType.ReplacePrefixMatch, "/z") }, "/pre/a", 308, "http://HOST/z/a" },
    };

    [Theory]
    [MemberData(nameof(Redirects))]
    public async Task Redirect_AnswersWithoutAsking(RedirectConfig redirect, string path, int status, string location)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Redirect = redirect };
        service.Match = new PathMatchConfig(PathMatchType.PathPrefix, path.StartsWith("/pre", StringComparison.Ordinal) ? "/pre" : "/");
        await service.PublishAsync();
        using var wire = await Wire.OpenAsync(mesh.Client.OutboundAddress);

        await wire.SendAsync($"POST {path} HTTP/1.1\r\nHost: {service.Name}\r\nContent-Length: 4\r\n\r\nbody");
        var reply = (await wire.ReadMessageAsync()).ShouldNotBeNull();

        reply.Status.ShouldBe(status);
        reply.Value("location").ShouldBe(location.Replace("HOST", service.Name, StringComparison.Ordinal));
        service.Arrivals.ShouldBeEmpty();
        await wire.SendAsync($"GET http://{service.Name}{path} HTTP/1.1\r\nHost: {service.Name}\r\n\r\n");
        (await wire.ReadMessageAsync()).ShouldNotBeNull().Value("location").ShouldBe(location.Replace("HOST", service.Name, StringComparison.Ordinal), "in absolute form too");
    }

    [Fact]
    public async Task Headers_ModifiersOfTheRule_ApplyOnceThroughRetriesAndFallbacks()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with
        {
            RequestHeaders = new HeaderModifierConfig { Set = [new("x-set", "new")], Add = [new("x-add", "two")], Remove = ["x-gone"] },
            ResponseHeaders = new HeaderModifierConfig { Set = [new("x-answer", "mesh")], Remove = ["x-secret"] },
        };
        service.Answer = (_, context) =>
        {
            context.Response.Headers["x-answer"] = "application";
            context.Response.Headers["x-secret"] = "s";
            return TestService.Status(context, service.Arrivals.Count < 3 ? 503 : 200);
        };
        await service.PublishAsync();

        var reply = await service.SendAsync("GET", "/", null, ("x-set", "old"), ("x-add", "one"), ("x-gone", "1"));

        reply.Status.ShouldBe(200);
        reply.Header("x-answer").ShouldBe("mesh");
        reply.Header("x-secret").ShouldBeNull();
        service.Arrivals.Count.ShouldBe(3);
        service.Arrivals.ShouldAllBe(a => a.Headers["x-set"] == "new" && (a.Headers["x-add"] == "one,two" || a.Headers["x-add"] == "one, two") && !a.Headers.ContainsKey("x-gone"));
    }

    [Fact]
    public async Task Sticky_Cookie_KeepsTheCallerWithItsBackend()
    {
        var service = await SplitAsync(new StickyConfig { Cookie = "lane", CookieTtl = TimeSpan.FromMinutes(10) });
        for (var caller = 0; caller < 8; caller++)
        {
            var first = await service.SendAsync();
            var cookie = first.Header("Set-Cookie").ShouldNotBeNull();
            cookie.ShouldStartWith("lane=");
            cookie.ShouldContain("Max-Age=600");
            cookie.ShouldContain("HttpOnly");
            for (var i = 0; i < 5; i++)
            {
                var again = await service.SendAsync("GET", "/", null, ("Cookie", $"other=1; {cookie.Split(';')[0]}"));
                again.Header("x-replica").ShouldBe(first.Header("x-replica"));
                again.Header("Set-Cookie").ShouldBeNull();
            }
        }

        service.Arrivals.Select(a => a.Replica).Distinct().Count().ShouldBe(2, "callers are divided");
    }

    [Fact]
    public async Task Sticky_Header_KeepsTheCallerWithItsBackend()
    {
        var service = await SplitAsync(new StickyConfig { Header = "x-user" });
        var seen = new HashSet<string>();
        for (var user = 0; user < 20; user++)
        {
            var first = await service.SendAsync("GET", "/", null, ("x-user", $"u{user}"));
            first.Header("Set-Cookie").ShouldBeNull();
            seen.Add(first.Header("x-replica")!);
            (await service.SendAsync("GET", "/", null, ("x-user", $"u{user}"))).Header("x-replica").ShouldBe(first.Header("x-replica"));
        }

        seen.Count.ShouldBe(2);
    }

    /// <summary>Half to replica 0, half to replica 2.</summary>
    private async Task<TestService> SplitAsync(StickyConfig sticky)
    {
        var other = mesh.Service();
        other.First = 2;
        other.Replicas = 1;
        await other.PublishAsync();
        var service = mesh.Service();
        service.Replicas = 1;
        service.Others = [other];
        service.Rule = TestService.Plain with { Sticky = sticky, Backends = [new(0, 50), new(1, 50)] };
        return await service.PublishAsync();
    }
}
