using System.Collections.Concurrent;
using MeshLite.Functional.Tests.Kit;

namespace MeshLite.Functional.Tests;

/// <summary>
/// One attempt is one send: applications that read a request and then end the connection without an answer see it once for each
/// attempt the mesh says it makes. What may not be sent twice is attempted once; the rest three times by the caller's sidecar, and once
/// more by the application's where a kept-alive connection was dead.
/// </summary>
public sealed class SingleSendTests
{
    public static TheoryData<string, bool, bool, bool> Cases()
    {
        var cases = new TheoryData<string, bool, bool, bool>();
        foreach (var method in (string[])["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH"])
        {
            foreach (var (body, reset, reused) in from b in (bool[])[false, true] from r in (bool[])[false, true] from u in (bool[])[false, true] select (b, r, u))
            {
                cases.Add(method, body, reset, reused);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Request_NotAnswered_IsSentOncePerAttempt(string method, bool body, bool reset, bool reused)
    {
        var seen = new ConcurrentQueue<string>();
        await using var app = new WireApp(async (wire, request) =>
        {
            var id = request.Value("x-id")!;
            seen.Enqueue(id);
            if (id == "first")
            {
                await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                return true;
            }

            if (reset)
            {
                wire.Reset();
            }

            return false;
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();
        if (reused)
        {
            await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nx-id: first\r\n\r\n");
            (await caller.ReadMessageAsync())!.Status.ShouldBe(200);
        }

        var framing = body ? "Content-Length: 4\r\n\r\nbody" : method is "PUT" or "POST" or "PATCH" ? "Content-Length: 0\r\n\r\n" : "\r\n";
        await caller.SendAsync($"{method} / HTTP/1.1\r\nHost: orders\r\nx-id: it\r\n{framing}");
        var response = await caller.ReadMessageAsync(hasBody: method != "HEAD");

        response!.Status.ShouldBe(502);
        response.Value("meshlite-error").ShouldBe("protocol_error");
        var attempts = method is "POST" or "PATCH" ? 1 : reused ? 4 : 3;
        seen.Count(id => id == "it").ShouldBe(attempts);
    }
}
