using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests;

/// <summary>
/// Requests at the edge of what the sidecars accept: each passes or is refused by the first of them, and the connection
/// between the two, which others use, lives on.
/// </summary>
public sealed class LimitTests
{
    /// <summary>Fits here, not between the sidecars, where each field counts for more; but only once they have told each other their limits.</summary>
    private const int Either = 0;

    [Theory]
    [InlineData(190, 10, 200)]
    [InlineData(199, 10, 431)]
    [InlineData(201, 10, 431)]
    [InlineData(150, 380, 200)]
    [InlineData(10, 6_500, Either)]
    [InlineData(1, 60_000, 200)]
    [InlineData(1, 65_400, Either)]
    [InlineData(1, 70_000, 431)]
    public async Task Headers_NearTheLimit_PassOrAreRefusedWithoutDisturbingOthers(int count, int length, int status)
    {
        var release = new TaskCompletionSource();
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                if (context.Request.Path == "/held")
                {
                    await release.Task;
                }

                await context.Response.WriteAsync("ok");
            },
            configure: kestrel =>
            {
                kestrel.Limits.MaxRequestHeaderCount = 1000;
                kestrel.Limits.MaxRequestHeadersTotalSize = 1024 * 1024;
            });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var other = await pair.WireAsync();
        await other.SendAsync("GET /held HTTP/1.1\r\nHost: orders\r\n\r\n");
        await MeshLite.TestKit.Eventually.TrueAsync(async () => await pair.InFlightAsync() == 1, "the other request under way");
        using var caller = await pair.WireAsync();

        var fields = string.Concat(Enumerable.Range(0, count).Select(i => $"x-{i}: {new string('v', length)}\r\n"));
        await caller.SendAsync($"GET / HTTP/1.1\r\nHost: orders\r\n{fields}\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBeOneOf(status == Either ? [200, 502] : [status], response.Text);
        release.SetResult();
        (await other.ReadMessageAsync())!.Text.ShouldBe("ok");
    }

    [Theory]
    [InlineData(150, 100, 200)]
    [InlineData(1, 60_000, 200)]
    public async Task ResponseHeaders_NearTheLimit_Pass(int count, int length, int status)
    {
        var fields = string.Concat(Enumerable.Range(0, count).Select(i => $"x-{i}: {new string('v', length)}\r\n"));
        await using var app = new WireApp($"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{fields}\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(status, response.Text);
        response.Headers.Count(h => h.Name.StartsWith("x-", StringComparison.Ordinal)).ShouldBe(count);
    }

    /// <summary>An answer too large to read is the application's fault, said clearly, and hurts only itself.</summary>
    [Fact]
    public async Task ResponseHeaders_TooLarge_AreAnErrorOfTheUpstream()
    {
        await using var app = new WireApp($"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nx: {new string('v', 70_000)}\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(502, response.Text);
        response.Value("meshlite-error").ShouldBe("protocol_error");
    }
}
