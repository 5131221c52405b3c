using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>Bounds of requests and attempts, and deadlines that travel (design.md §3, Timeouts).</summary>
public sealed class TimeoutTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Request_RuleTimeout_EndsItAndTheApplicationsWork(string method)
    {
        var cancelled = new TaskCompletionSource();
        var service = mesh.Service();
        service.Rule = TestService.Plain with { RequestTimeout = Short };
        service.Answer = async (_, context) =>
        {
            await using var registration = context.RequestAborted.Register(cancelled.SetResult);
            await cancelled.Task;
        };
        await service.PublishAsync();

        var reply = await service.SendAsync(method);

        reply.Status.ShouldBe(504);
        reply.Error.ShouldBe("request_timeout");
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(15));
        service.Arrivals.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("GET", 200, 2)]
    [InlineData("POST", 504, 1)]
    public async Task Request_AttemptTimeout_IsSentAgainWhereThatIsSafe(string method, int status, int arrivals)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { RequestTimeout = TimeSpan.FromSeconds(30), BackendRequestTimeout = TimeSpan.FromSeconds(2) };
        service.Answer = (_, context) => service.Arrivals.Count == 1 ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted) : context.Response.WriteAsync("ok");
        await service.PublishAsync();

        var reply = await service.SendAsync(method);

        reply.Status.ShouldBe(status, reply.Body);
        reply.Error.ShouldBe(status == 200 ? null : "attempt_timeout");
        service.Arrivals.Count.ShouldBe(arrivals);
        (await service.MetricAsync("meshlite_retries_total", ("reason", "attempt_timeout"))).ShouldBe(arrivals - 1);
    }

    [Theory]
    [InlineData(true, "attempt_timeout")]
    [InlineData(false, "request_timeout")]
    public async Task Response_NotWholeInTime_IsBrokenOffForThatReason(bool attempt, string reason)
    {
        var service = mesh.Service();
        service.Rule = attempt ? TestService.Plain with { BackendRequestTimeout = Short } : TestService.Plain with { RequestTimeout = Short };
        service.Answer = async (_, context) =>
        {
            await context.Response.WriteAsync("half");
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        };
        await service.PublishAsync();

        await Should.ThrowAsync<HttpRequestException>(() => service.SendAsync());

        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("reason").GetString().ShouldBe(reason);
    }

    [Theory]
    [InlineData("meshlite-timeout", "5S", "meshlite-timeout", 5_000)]
    [InlineData("meshlite-timeout", "4000m", "meshlite-timeout", 4_000)]
    [InlineData(null, null, "meshlite-timeout", 20_000)]
    [InlineData("meshlite-timeout", "1H", "meshlite-timeout", 20_000)]
    [InlineData("meshlite-timeout", "5", "meshlite-timeout", 20_000)]
    [InlineData("meshlite-timeout", "5s", "meshlite-timeout", 20_000)]
    [InlineData("meshlite-timeout", "-1S", "meshlite-timeout", 20_000)]
    [InlineData("meshlite-timeout", "123456789S", "meshlite-timeout", 20_000)]
    public async Task Deadline_OverTheHop_ShrinksAndReachesTheApplication(string? sent, string? value, string got, int atMost)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { RequestTimeout = TimeSpan.FromSeconds(20) };
        await service.PublishAsync();

        (await service.SendAsync("GET", "/", null, sent is null ? [] : [(sent, value!)])).Status.ShouldBe(200);

        var arrived = service.Arrivals.ShouldHaveSingleItem().Headers[got];
        MeshLite.Protocol.Grpc.GrpcTimeout.TryParse(arrived, out var left).ShouldBeTrue(arrived);
        left.ShouldBeLessThan(TimeSpan.FromMilliseconds(atMost));
        left.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(atMost) / 4, "the machine is slow, but not so slow");
    }

    /// <summary>The next hop is told of the attempt's bound where that is the shorter.</summary>
    [Theory]
    [InlineData(null)]
    [InlineData(30)]
    public async Task Deadline_OfAnAttempt_ReachesTheApplication(int? request)
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { RequestTimeout = request is { } seconds ? TimeSpan.FromSeconds(seconds) : null, BackendRequestTimeout = TimeSpan.FromSeconds(8) };
        await service.PublishAsync();

        (await service.SendAsync()).Status.ShouldBe(200);

        MeshLite.Protocol.Grpc.GrpcTimeout.TryParse(service.Arrivals.ShouldHaveSingleItem().Headers["meshlite-timeout"], out var left).ShouldBeTrue();
        left.ShouldBeInRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(8));
    }

    [Fact]
    public async Task Deadline_OfAGrpcCall_ShrinksUnderItsOwnName()
    {
        var service = mesh.Service();
        service.Protocols = HttpProtocols.Http2;
        service.Answer = (_, context) => TestService.GrpcStatus(context, 0);
        await service.PublishAsync();

        (await service.CallAsync(("grpc-timeout", "8S"))).Header("grpc-status").ShouldBe("0");

        var headers = service.Arrivals.ShouldHaveSingleItem().Headers;
        MeshLite.Protocol.Grpc.GrpcTimeout.TryParse(headers["grpc-timeout"], out var left).ShouldBeTrue();
        left.ShouldBeInRange(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(8) - TimeSpan.FromTicks(1));
        headers.ContainsKey("meshlite-timeout").ShouldBeFalse();
    }

    /// <summary>frontend → orders → stock, the application in the middle passing the header on.</summary>
    [Fact]
    public async Task Deadline_OverTwoHops_OnlyShrinks()
    {
        await using var stock = await MeshLite.TestKit.Apps.HttpApp.StartAsync("stock");
        await using var pair = await MeshPair.StartAsync(stock.Port);
        var middle = pair.Client; // calls what the pair calls "orders"
        using var onward = MeshFixture.Client(middle);
        string? first = null;
        await using var orders = await MeshLite.TestKit.Apps.HttpApp.StartAsync("middle", async context =>
        {
            first = context.Request.Headers["meshlite-timeout"];
            using var request = new HttpRequestMessage(HttpMethod.Get, "http://orders/") { Headers = { { "meshlite-timeout", first } } };
            using var response = await onward.SendAsync(request);
            context.Response.StatusCode = (int)response.StatusCode;
        });
        var front = await pair.Mesh.SidecarAsync("front");
        var server = await pair.Mesh.SidecarAsync("middle", orders.Port);
        pair.Mesh.Service("middle", server);
        using var http = MeshFixture.Client(front);
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://middle/") { Headers = { { "meshlite-timeout", "15S" } } };

        using var response = await http.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(200, await response.Content.ReadAsStringAsync());
        MeshLite.Protocol.Grpc.GrpcTimeout.TryParse(first, out var atMiddle).ShouldBeTrue();
        MeshLite.Protocol.Grpc.GrpcTimeout.TryParse(stock.Received.ShouldHaveSingleItem().Header("meshlite-timeout"), out var atStock).ShouldBeTrue();
        atMiddle.ShouldBeLessThan(TimeSpan.FromSeconds(15));
        atStock.ShouldBeLessThan(atMiddle);
    }

    [Theory]
    [InlineData("0S")]
    [InlineData("0n")]
    [InlineData("1n")]
    public async Task Deadline_AlreadyPassed_IsAnsweredWithoutAsking(string timeout)
    {
        var service = mesh.Service();
        await service.PublishAsync();

        var reply = await service.SendAsync("POST", "/", "body", ("meshlite-timeout", timeout));

        reply.Status.ShouldBe(504);
        reply.Error.ShouldBe("request_timeout");
        service.Arrivals.ShouldBeEmpty();
        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("attempts").GetInt32().ShouldBe(0);
    }

    /// <summary>A plaintext caller has no sidecar that would keep the time.</summary>
    [Fact]
    public async Task Deadline_OfAPlaintextCaller_IsEnforcedInbound()
    {
        var service = mesh.Service();
        service.Answer = (_, context) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        await service.PublishAsync();
        var replica = (await mesh.ReplicasAsync(HttpProtocols.Http1))[0];
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{replica.InboundAddress}/") { Headers = { { "meshlite-timeout", "300m" } } };
        request.Headers.Host = service.Name;

        using var response = await http.SendAsync(request);

        ((int)response.StatusCode).ShouldBe(504);
        response.Headers.GetValues("meshlite-error").ShouldBe(["request_timeout"]);
        service.Arrivals.ShouldHaveSingleItem();
    }

    [Theory]
    [InlineData("deadline")]
    [InlineData("leaves")]
    [InlineData("broken body")]
    public async Task Caller_ImpatientGoneOrBroken_OpensNothing(string how)
    {
        var service = mesh.Service();
        service.Replicas = 2;
        service.Policy = TestService.InTurn with
        {
            EndpointCircuit = new EndpointCircuitConfig { ConsecutiveFailures = 1 },
            DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1 },
        };
        service.Answer = (arrival, context) => arrival.Target == "/slow" ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted) : context.Response.WriteAsync("ok");
        await service.PublishAsync();

        for (var i = 0; i < 6; i++)
        {
            await FailAsync(service, how);
        }

        await service.LinesAsync(6);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "destination"))).ShouldBe(0);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "endpoint"))).ShouldBe(0);
        (await service.SendAsync()).Status.ShouldBe(200);
    }

    private async Task FailAsync(TestService service, string how)
    {
        switch (how)
        {
            case "deadline":
                (await service.SendAsync("GET", "/slow", null, ("meshlite-timeout", "200m"))).Status.ShouldBe(504);
                break;
            case "leaves":
                using (var leave = new CancellationTokenSource())
                {
                    var before = service.Arrivals.Count;
                    var waiting = service.SendAsync("GET", "/slow", null, leave.Token);
                    await Eventually.TrueAsync(() => service.Arrivals.Count > before, "it is under way");
                    await leave.CancelAsync();
                    await Should.ThrowAsync<OperationCanceledException>(() => waiting);
                }

                break;
            default:
                using (var wire = await Wire.OpenAsync(mesh.Client.OutboundAddress))
                {
                    // No chunk has this size: the request, not its connection, is what is broken.
                    await wire.SendAsync($"POST / HTTP/1.1\r\nHost: {service.Name}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n");
                    (await wire.ReadMessageAsync())!.Status.ShouldBe(400);
                }

                break;
        }
    }
}
