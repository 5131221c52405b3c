using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>What answers when a backend can't, and how that shows.</summary>
public sealed class FallbackTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private static readonly FallbackConfig Static = new() { Response = new StaticResponseConfig(200, "application/json", "[]") };

    [Theory]
    [InlineData("connect", "connect_failure")]
    [InlineData("no endpoint", "no_healthy_endpoint")]
    [InlineData("circuit", "circuit_open")]
    [InlineData("full", "overloaded")]
    [InlineData("500", "protocol_error")]
    [InlineData("attempt timeout", "attempt_timeout")]
    [InlineData("timeout", "request_timeout")]
    public async Task Static_BackendCannot_AnswersAndSaysWhy(string how, string reason)
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = await BrokenAsync(how, TestService.Plain with { Fallback = Static }, hold.Task);

        var reply = await service.SendAsync("POST", "/", "body");

        reply.Status.ShouldBe(200, reply.Body);
        reply.Body.ShouldBe("[]");
        reply.Header("Content-Type").ShouldBe("application/json");
        reply.Header("Content-Length").ShouldBe("2");
        reply.Error.ShouldBeNull("the caller has an answer");
        hold.SetResult();
        await Eventually.TrueAsync(async () => (await service.LinesAsync(1)).Any(line => line.GetProperty("reason").GetString() == reason && line.GetProperty("status").GetInt32() == 200), $"a line with {reason}");
        (await service.MetricAsync("meshlite_requests_total", ("reason", reason), ("response_code", "200"))).ShouldBeGreaterThanOrEqualTo(1);
    }

    [Theory]
    [InlineData("404")]
    [InlineData("429")]
    [InlineData("rate limit")]
    [InlineData("fault")]
    [InlineData("ok")]
    public async Task Static_NoFailureOfTheBackend_LeavesTheAnswer(string how)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Fallback = Static, Fault = how == "fault" ? new FaultConfig { AbortStatus = 418, AbortPercent = 100 } : null };
        service.Policy = how == "rate limit" ? TestService.InTurn with { RateLimit = new RateLimitConfig(1, 1) } : TestService.InTurn;
        service.Answer = (_, context) => TestService.Status(context, how switch { "404" => 404, "429" => 429, _ => 204 });
        await service.PublishAsync();
        if (how == "rate limit")
        {
            await service.SendAsync();
        }

        var reply = await service.SendAsync();

        reply.Status.ShouldBe(how switch { "404" => 404, "429" or "rate limit" => 429, "fault" => 418, _ => 204 });
    }

    [Fact]
    public async Task Static_AfterRetries_TakesTheLastFailure()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Fallback = Static };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();

        (await service.SendAsync()).Body.ShouldBe("[]");

        service.Arrivals.Count.ShouldBe(3);
    }

    /// <summary>The answer does not wait for the rest of a body nobody reads.</summary>
    [Fact]
    public async Task Static_BodyStillComing_AnswersAtOnce()
    {
        var service = mesh.Service();
        service.Endpoints = [Closed()];
        service.Rule = TestService.Plain with { Fallback = Static };
        await service.PublishAsync();
        using var wire = await Wire.OpenAsync(mesh.Client.OutboundAddress);

        await wire.SendAsync($"POST / HTTP/1.1\r\nHost: {service.Name}\r\nContent-Length: 1000\r\n\r\nhalf");

        var reply = (await wire.ReadMessageAsync()).ShouldNotBeNull();
        reply.Status.ShouldBe(200);
        reply.Text.ShouldBe("[]");
    }

    [Theory]
    [InlineData("connect", "POST", true, "connect_failure")]
    [InlineData("no endpoint", "POST", true, "no_healthy_endpoint")]
    [InlineData("circuit", "POST", true, "circuit_open")]
    [InlineData("full", "POST", true, "overloaded")]
    [InlineData("500", "GET", true, "protocol_error")]
    [InlineData("attempt timeout", "GET", true, "attempt_timeout")]
    [InlineData("500", "POST", false, "")]
    [InlineData("attempt timeout", "POST", false, "attempt_timeout")]
    [InlineData("missing", "POST", true, "destination_unknown")]
    public async Task OtherBackend_FirstCannot_GetsWhatMayBeSentThere(string how, string method, bool moves, string reason)
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var other = mesh.Service();
        other.First = 2;
        other.Replicas = 1;
        await other.PublishAsync();
        var service = await BrokenAsync(how, TestService.Plain with { Fallback = new FallbackConfig { Backend = 1 } }, hold.Task, other);
        var before = service.At(2);

        var reply = await service.SendAsync(method, "/", method == "POST" ? "body" : null);

        hold.SetResult();
        reply.Status.ShouldBe(moves ? 200 : how == "500" ? 500 : 504, reply.Body);
        service.At(2).ShouldBe(before + (moves ? 1 : 0));
        if (moves)
        {
            reply.Body.ShouldBe(method == "POST" ? "other got 'body'" : "other got ''");
            reply.Error.ShouldBeNull();
        }

        await Eventually.TrueAsync(async () => (await service.LinesAsync(1)).Any(line => line.GetProperty("reason").GetString() == reason), $"a line with '{reason}'");
    }

    /// <summary>There is no third: what the other backend answers is the answer.</summary>
    [Fact]
    public async Task OtherBackend_FailsToo_ItsAnswerPasses()
    {
        var other = mesh.Service();
        other.First = 2;
        other.Replicas = 1;
        await other.PublishAsync();
        var service = mesh.Service();
        service.Others = [other];
        service.Replicas = 1;
        service.Rule = TestService.Plain with { Fallback = new FallbackConfig { Backend = 1 }, Retry = new RetryConfig { Attempts = 0 } };
        service.Answer = (arrival, context) => TestService.Status(context, arrival.Replica == 2 ? 502 : 500);
        await service.PublishAsync();

        (await service.SendAsync()).Status.ShouldBe(502);

        service.Arrivals.Select(a => a.Replica).ShouldBe([0, 2]);
    }

    private static (IPEndPoint, SpiffeId) Closed() => (new IPEndPoint(IPAddress.Loopback, 1), SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"));

    /// <summary>A service whose next request fails in the way named.</summary>
    private async Task<TestService> BrokenAsync(string how, RouteRuleConfig rule, Task held, TestService? other = null)
    {
        var service = mesh.Service();
        service.Replicas = 1;
        service.Others = other is null ? [] : [other];
        service.Rule = how switch
        {
            "attempt timeout" => rule with { BackendRequestTimeout = TimeSpan.FromSeconds(1), Retry = new RetryConfig { Attempts = 0 } },
            "timeout" => rule with { RequestTimeout = TimeSpan.FromMilliseconds(200) },
            _ => rule with { Retry = new RetryConfig { Attempts = 0 } },
        };
        service.Policy = how switch
        {
            "circuit" => TestService.InTurn with { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = TimeSpan.FromMinutes(1) } },
            "full" => TestService.InTurn with { Concurrency = new ConcurrencyConfig { MaxRequests = 1 } },
            _ => TestService.InTurn,
        };
        service.Endpoints = how switch { "connect" => [Closed()], "no endpoint" => [], _ => null };
        service.Missing = how == "missing";
        service.Answer = (arrival, context) => how switch
        {
            _ when arrival.Replica == 2 => context.Response.WriteAsync($"other got '{System.Text.Encoding.UTF8.GetString(arrival.Body)}'"),
            "500" or "circuit" => TestService.Status(context, 500),
            "full" => held,
            _ => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted),
        };
        await service.PublishAsync();
        if (how == "circuit")
        {
            await service.SendAsync("GET");
        }
        else if (how == "full")
        {
            _ = service.SendAsync("GET");
            await Eventually.TrueAsync(() => service.Arrivals.Count == 1, "it is full");
        }

        return service;
    }
}
