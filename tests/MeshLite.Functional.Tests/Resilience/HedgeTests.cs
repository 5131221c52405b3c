using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>A second attempt beside a slow first one (design.md §3, Hedging).</summary>
public sealed class HedgeTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private static readonly RouteRuleConfig Hedged = TestService.Plain with { Hedge = new HedgeConfig(TimeSpan.FromMilliseconds(150)), RequestTimeout = TimeSpan.FromSeconds(20) };

    [Theory]
    [InlineData("GET", null)]
    [InlineData("PUT", "a body")]
    [InlineData("POST keyed", "a body")]
    public async Task Request_FirstIsSlow_SecondWinsAndTheLoserIsCancelledWithoutBlame(string method, string? body)
    {
        var cancelled = new TaskCompletionSource();
        var service = mesh.Service();
        service.Rule = Hedged;
        service.Policy = TestService.InTurn with
        {
            EndpointCircuit = new EndpointCircuitConfig { ConsecutiveFailures = 1, MaxEjectedPercent = 50 },
            DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1 },
        };
        service.Answer = async (arrival, context) =>
        {
            if (ReferenceEquals(arrival, service.Arrivals.First()))
            {
                await using var registration = context.RequestAborted.Register(cancelled.SetResult);
                await cancelled.Task;
                return;
            }

            await context.Response.WriteAsync("second");
        };
        await service.PublishAsync();
        var keyed = method == "POST keyed";

        var reply = await service.SendAsync(keyed ? "POST" : method, "/", body, keyed ? [("Idempotency-Key", "1")] : []);

        reply.Status.ShouldBe(200);
        reply.Body.ShouldBe("second");
        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(15));
        service.Arrivals.Count.ShouldBe(2);
        service.Arrivals.Select(a => a.Replica).Distinct().Count().ShouldBe(2, "at another endpoint");
        service.Arrivals.ShouldAllBe(a => System.Text.Encoding.UTF8.GetString(a.Body) == (body ?? ""));
        (await service.LinesAsync(1)).ShouldHaveSingleItem().GetProperty("attempts").GetInt32().ShouldBe(2);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "endpoint"))).ShouldBe(0);
        (await service.MetricAsync("meshlite_circuit_state", ("scope", "destination"))).ShouldBe(0);
        await Eventually.TrueAsync(
            async () => (await service.ClusterAsync()).GetProperty("endpoints").EnumerateArray().All(e => e.GetProperty("inFlight").GetInt32() == 0), "nothing in flight");
    }

    [Theory]
    [InlineData("POST", 100)]
    [InlineData("PUT", 70_000)]
    public async Task Request_MayNotBeSentTwice_IsNotHedged(string method, int length)
    {
        var service = mesh.Service();
        service.Rule = Hedged;
        service.Answer = (_, _) => Task.Delay(TimeSpan.FromMilliseconds(600), TimeProvider.System);
        await service.PublishAsync();

        (await service.SendAsync(method, "/", new ByteArrayContent(new byte[length]), CancellationToken.None)).Status.ShouldBe(200);

        service.Arrivals.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Request_FastFirst_IsNotHedged()
    {
        var service = mesh.Service();
        service.Rule = TestService.Plain with { Hedge = new HedgeConfig(TimeSpan.FromSeconds(10)) };
        await service.PublishAsync();

        (await service.SendAsync()).Status.ShouldBe(200);

        service.Arrivals.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Request_BudgetSpent_IsNotHedged()
    {
        var service = mesh.Service();
        service.Rule = Hedged;
        service.Policy = TestService.InTurn with { RetryBudget = new RetryBudgetConfig { Percent = 0, MinPerSecond = 0 } };
        service.Answer = (_, _) => Task.Delay(TimeSpan.FromMilliseconds(600), TimeProvider.System);
        await service.PublishAsync();

        (await service.SendAsync()).Status.ShouldBe(200);

        service.Arrivals.Count.ShouldBe(1);
    }

    /// <summary>A hedge comes because the first is slow, not because it failed: that is a retry, with its own rules.</summary>
    [Fact]
    public async Task Request_FirstFailsFast_IsRetriedNotHedged()
    {
        var service = mesh.Service();
        service.Rule = Hedged with { Retry = new RetryConfig { Attempts = 0 } };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();

        (await service.SendAsync()).Status.ShouldBe(503);

        service.Arrivals.Count.ShouldBe(1);
    }

    /// <summary>An application's 404 is an answer: nobody waits for the other attempt.</summary>
    [Fact]
    public async Task Request_SecondAnswers404_IsAnswered()
    {
        var service = mesh.Service();
        service.Rule = Hedged;
        service.Answer = (arrival, context) => ReferenceEquals(arrival, service.Arrivals.First())
            ? Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted)
            : TestService.Status(context, 404);
        await service.PublishAsync();

        (await service.SendAsync()).Status.ShouldBe(404);

        service.Arrivals.Count.ShouldBe(2);
    }

    [Fact]
    public async Task Request_SecondFails_FirstIsWaitedFor()
    {
        var second = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Rule = Hedged;
        service.Answer = async (arrival, context) =>
        {
            if (ReferenceEquals(arrival, service.Arrivals.First()))
            {
                await second.Task;
                await context.Response.WriteAsync("first");
                return;
            }

            context.Response.StatusCode = 503;
            second.TrySetResult();
        };
        await service.PublishAsync();

        var reply = await service.SendAsync();

        reply.Status.ShouldBe(200);
        reply.Body.ShouldBe("first");
    }
}
