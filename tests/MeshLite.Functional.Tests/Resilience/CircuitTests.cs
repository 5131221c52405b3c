using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>Endpoints and destinations that fail are left alone, and come back (design.md §3, Circuit breaking).</summary>
public sealed class CircuitTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private static readonly TimeSpan OpenFor = TimeSpan.FromMilliseconds(700);
    private static readonly RouteRuleConfig NoRetry = TestService.Plain with { Retry = new RetryConfig { Attempts = 0 } };

    private static readonly DestinationCircuitConfig Circuit = new() { ConsecutiveFailures = 3, OpenFor = OpenFor, SuccessesToClose = 2 };

    [Fact]
    public async Task Endpoint_FailsInARow_IsLeftAloneAndComesBackByProbes()
    {
        var healthy = false;
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { EndpointCircuit = new EndpointCircuitConfig { ConsecutiveFailures = 3, OpenFor = OpenFor, SuccessesToClose = 2 } };
        var bad = 0;
        service.Answer = (arrival, context) =>
        {
            if (arrival.Replica == 0 && !Volatile.Read(ref healthy))
            {
                Interlocked.Increment(ref bad);
                return TestService.Status(context, 503);
            }

            return context.Response.WriteAsync("ok");
        };
        await service.PublishAsync();

        // Three failures, and it is out: nobody else meets it until its time is over.
        for (var i = 0; i < 6; i++)
        {
            await service.SendAsync();
        }

        bad.ShouldBe(3);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "endpoint"))).ShouldBe(1);
        (await service.SendAsync()).Status.ShouldBe(200);

        // It fails its probe: out for longer.
        await Eventually.TrueAsync(
            async () =>
            {
                await service.SendAsync();
                return Volatile.Read(ref bad) == 4;
            },
            "a probe");
        (await service.SendAsync()).Status.ShouldBe(200);
        bad.ShouldBe(4);

        // It is well again: two probes, and it has its turns.
        Volatile.Write(ref healthy, true);
        await Eventually.TrueAsync(
            async () =>
            {
                (await service.SendAsync()).Status.ShouldBe(200);
                return await service.MetricAsync("meshlite_circuit_state", ("scope", "endpoint")) == 0;
            },
            "it is back");
        var before = service.At(0);
        for (var i = 0; i < 10; i++)
        {
            await service.SendAsync();
        }

        service.At(0).ShouldBe(before + 5);
    }

    [Fact]
    public async Task Endpoint_TheOnlyOne_IsNeverLeftAlone()
    {
        var service = mesh.Service();
        service.Replicas = 1;
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { EndpointCircuit = new EndpointCircuitConfig { ConsecutiveFailures = 1, MaxEjectedPercent = 100 } };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();

        for (var i = 0; i < 10; i++)
        {
            await service.SendAsync();
        }

        service.Arrivals.Count.ShouldBe(10);
    }

    [Fact]
    public async Task Destination_FailsInARow_FailsFastThenProbesThenCloses()
    {
        var status = 500;
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { DestinationCircuit = Circuit };
        service.Answer = (_, context) => TestService.Status(context, Volatile.Read(ref status));
        await service.PublishAsync();

        for (var i = 0; i < 3; i++)
        {
            (await service.SendAsync()).Status.ShouldBe(500);
        }

        // Open
        var refused = await service.SendAsync("POST", "/", "body");
        refused.Status.ShouldBe(503);
        refused.Error.ShouldBe("circuit_open");
        refused.Header("Retry-After").ShouldBe("1");
        service.Arrivals.Count.ShouldBe(3);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "destination"))).ShouldBe(1);

        // A probe that fails opens it anew
        await NextArrivalAsync(service);
        (await service.SendAsync()).Error.ShouldBe("circuit_open");

        // Two that go well close it
        Volatile.Write(ref status, 200);
        await NextArrivalAsync(service);
        await NextArrivalAsync(service);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "destination"))).ShouldBe(0);
        for (var i = 0; i < 5; i++)
        {
            (await service.SendAsync()).Status.ShouldBe(200);
        }
    }

    [Fact]
    public async Task Destination_HalfOpen_LetsOneProbeAtATimeThrough()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { DestinationCircuit = Circuit };
        service.Answer = async (arrival, context) =>
        {
            if (arrival.Target == "/fail")
            {
                context.Response.StatusCode = 500;
                return;
            }

            await hold.Task;
        };
        await service.PublishAsync();
        for (var i = 0; i < 3; i++)
        {
            await service.SendAsync("GET", "/fail");
        }

        Task<Reply>? probe = null;
        await Eventually.TrueAsync(
            async () =>
            {
                var sent = service.SendAsync();
                await Task.WhenAny(sent, Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System));
                probe = sent.IsCompleted ? null : sent;
                return probe is not null && service.Arrivals.Count == 4;
            },
            "a probe under way");

        for (var i = 0; i < 5; i++)
        {
            (await service.SendAsync()).Error.ShouldBe("circuit_open");
        }

        service.Arrivals.Count.ShouldBe(4);
        hold.SetResult();
        (await probe!).Status.ShouldBe(200);
    }

    /// <summary>A probe whose caller leaves says nothing; the next may try.</summary>
    [Fact]
    public async Task Destination_ProbeIsCancelled_AnotherFollows()
    {
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { DestinationCircuit = Circuit };
        service.Answer = (arrival, context) => arrival.Target switch
        {
            "/fail" => TestService.Status(context, 500),
            "/hang" => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted),
            _ => Task.CompletedTask,
        };
        await service.PublishAsync();
        for (var i = 0; i < 3; i++)
        {
            await service.SendAsync("GET", "/fail");
        }

        await Eventually.TrueAsync(
            async () =>
            {
                using var leave = new CancellationTokenSource(TimeSpan.FromMilliseconds(200), TimeProvider.System);
                try
                {
                    await service.SendAsync("GET", "/hang", null, leave.Token);
                }
                catch (OperationCanceledException)
                {
                    // It was the probe.
                }

                return service.Arrivals.Count == 4;
            },
            "a probe that hangs");

        await Eventually.TrueAsync(async () => (await service.SendAsync()).Status == 200, "another probe");
    }

    [Theory]
    [InlineData(404)]
    [InlineData(429)]
    [InlineData(499)]
    public async Task Answers_CallersFault_OpenNothing(int status)
    {
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with
        {
            EndpointCircuit = new EndpointCircuitConfig { ConsecutiveFailures = 1, MaxEjectedPercent = 50 },
            DestinationCircuit = Circuit with { ConsecutiveFailures = 1 },
        };
        service.Answer = (_, context) => TestService.Status(context, status);
        await service.PublishAsync();

        for (var i = 0; i < 10; i++)
        {
            (await service.SendAsync()).Status.ShouldBe(status);
        }

        service.At(0).ShouldBe(5);
    }

    [Theory]
    [InlineData(14, true)]
    [InlineData(5, false)]
    [InlineData(4, false)]
    public async Task Calls_Unavailable_CountAsFailures(int status, bool opens)
    {
        var service = mesh.Service();
        service.Protocols = HttpProtocols.Http2;
        service.Policy = TestService.InTurn with { DestinationCircuit = Circuit };
        service.Answer = (_, context) => TestService.GrpcStatus(context, status);
        await service.PublishAsync();

        for (var i = 0; i < 3; i++)
        {
            (await service.CallAsync()).Header("grpc-status").ShouldBe($"{status}");
        }

        var reply = await service.CallAsync();
        reply.Status.ShouldBe(200);
        reply.Error.ShouldBe(opens ? "circuit_open" : null);
        reply.Header("grpc-status").ShouldBe(opens ? "14" : $"{status}");
    }

    [Fact]
    public async Task Attempts_OfOneRequest_CountOnceForTheDestination()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { DestinationCircuit = Circuit };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();

        for (var i = 0; i < 3; i++)
        {
            (await service.SendAsync()).Error.ShouldBeNull();
        }

        service.Arrivals.Count.ShouldBe(9);
        (await service.SendAsync()).Error.ShouldBe("circuit_open");
    }

    private static Task NextArrivalAsync(TestService service)
    {
        var before = service.Arrivals.Count;
        return Eventually.TrueAsync(
            async () =>
            {
                await service.SendAsync();
                return service.Arrivals.Count == before + 1;
            },
            "a probe arrives");
    }
}
