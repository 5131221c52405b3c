using System.Text.Json;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>Each reason of issue 3 in each of the three languages callers speak (design.md §3, Errors made by the mesh).</summary>
public sealed class ErrorTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    public static TheoryData<string, int, int> Table => new()
    {
        { "rate_limited", 429, 8 },
        { "overloaded", 503, 8 },
        { "circuit_open", 503, 14 },
        { "request_timeout", 504, 4 },
        { "attempt_timeout", 504, 4 },
        { "fault_injected", 503, 14 },
        { "no_healthy_endpoint", 503, 14 },
        { "connect_failure", 502, 14 },
    };

    [Theory]
    [MemberData(nameof(Table))]
    public async Task Error_OfEachReason_IsSaidAsTextJsonAndGrpc(string reason, int http, int grpc)
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = await FailingAsync(reason, HttpProtocols.Http1, hold.Task);
        var grpcService = await FailingAsync(reason, HttpProtocols.Http2, hold.Task);

        var text = await service.SendAsync("POST");
        var json = await service.SendAsync("POST", "/", null, ("Accept", "text/html, application/json"));
        var call = await grpcService.CallAsync();
        hold.SetResult();

        text.Status.ShouldBe(http, text.Body);
        text.Error.ShouldBe(reason);
        text.Header("Content-Type").ShouldBe("text/plain; charset=utf-8");
        text.Body.ShouldStartWith($"{reason}: ");
        text.Body.ShouldEndWith(".\n");
        text.Header("Retry-After").ShouldBe(reason is "fault_injected" || http is not (429 or 503) ? null : text.Header("Retry-After") ?? "missing");

        json.Status.ShouldBe(http);
        using var parsed = JsonDocument.Parse(json.Body);
        parsed.RootElement.GetProperty("error").GetString().ShouldBe(reason);
        parsed.RootElement.GetProperty("message").GetString().ShouldNotBeNullOrEmpty();

        call.Status.ShouldBe(200);
        call.Header("Content-Type").ShouldBe("application/grpc");
        call.Header("grpc-status").ShouldBe($"{grpc}");
        Uri.UnescapeDataString(call.Header("grpc-message").ShouldNotBeNull()).ShouldStartWith($"{reason}: ");
        call.Error.ShouldBe(reason);

        await Eventually.TrueAsync(async () => await service.MetricAsync("meshlite_requests_total", ("reason", reason), ("response_code", $"{http}")) >= 2, "counted");
        await Eventually.TrueAsync(async () => await grpcService.MetricAsync("meshlite_requests_total", ("reason", reason), ("grpc_status", $"{grpc}")) >= 1, "counted");
        (await service.LinesAsync(2)).ShouldContain(line => line.GetProperty("reason").GetString() == reason);
    }

    private async Task<TestService> FailingAsync(string reason, HttpProtocols protocols, Task held)
    {
        var service = mesh.Service();
        service.Protocols = protocols;
        Task<Reply> SendAsync() => protocols == HttpProtocols.Http2 ? service.CallAsync() : service.SendAsync("POST");
        service.Rule = reason switch
        {
            "request_timeout" => TestService.Plain with { RequestTimeout = TimeSpan.FromMilliseconds(200) },
            "attempt_timeout" => TestService.Plain with { BackendRequestTimeout = TimeSpan.FromMilliseconds(200) },
            "fault_injected" => TestService.Plain with { Fault = new FaultConfig { AbortStatus = 503, AbortPercent = 100 } },
            _ => TestService.Plain,
        };
        service.Policy = reason switch
        {
            "rate_limited" => TestService.InTurn with { RateLimit = new RateLimitConfig(1, 1) },
            "overloaded" => TestService.InTurn with { Concurrency = new ConcurrencyConfig { MaxRequests = 1 } },
            "circuit_open" => TestService.InTurn with { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = TimeSpan.FromMinutes(5) } },
            _ => TestService.InTurn,
        };
        service.Endpoints = reason switch
        {
            "no_healthy_endpoint" => [],
            "connect_failure" => [(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 1), SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"))],
            _ => null,
        };
        service.Answer = (_, context) => reason switch
        {
            "overloaded" => held,
            "circuit_open" => TestService.Status(context, 500),
            "rate_limited" => Task.CompletedTask,
            _ => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted),
        };
        await service.PublishAsync();
        switch (reason)
        {
            case "rate_limited":
                // More than one: the second it takes to get here may have brought one.
                await Eventually.TrueAsync(async () => (await SendAsync()).Error == "rate_limited", "the bucket is empty");
                break;
            case "circuit_open":
                await SendAsync();
                break;
            case "overloaded":
                _ = SendAsync();
                await Eventually.TrueAsync(() => service.Arrivals.Count == 1, "it is full");
                break;
        }

        return service;
    }
}
