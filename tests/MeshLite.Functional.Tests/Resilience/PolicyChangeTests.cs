using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests.Resilience;

/// <summary>A change of policy or route leaves what is known of a service as it is, but for the part it changes.</summary>
public sealed class PolicyChangeTests(ReplicaMesh mesh) : IClassFixture<ReplicaMesh>
{
    private static readonly RouteRuleConfig NoRetry = TestService.Plain with { Retry = new RetryConfig { Attempts = 0 } };

    /// <summary>Changes of everything but the part in question.</summary>
    private static ServicePolicyConfig Unrelated(ServicePolicyConfig policy) => policy with { ConnectTimeout = policy.ConnectTimeout + TimeSpan.FromMilliseconds(1), IdleTimeout = TimeSpan.FromMinutes(3) };

    [Fact]
    public async Task Circuit_OfTheDestination_StaysOpenUntilItsOwnPartChanges()
    {
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = TimeSpan.FromMinutes(5) } };
        service.Answer = (_, context) => TestService.Status(context, 500);
        await service.PublishAsync();
        await service.SendAsync();
        (await service.SendAsync()).Error.ShouldBe("circuit_open");

        service.Policy = Unrelated(service.Policy) with { RateLimit = new RateLimitConfig(1000, 1000) };
        service.Rule = NoRetry with { RequestTimeout = TimeSpan.FromSeconds(9) };
        service.Replicas = 3;
        await service.PublishAsync();
        (await service.SendAsync()).Error.ShouldBe("circuit_open");

        service.Policy = service.Policy with { DestinationCircuit = service.Policy.DestinationCircuit! with { ConsecutiveFailures = 2 } };
        await service.PublishAsync();
        (await service.SendAsync()).Error.ShouldBeNull();

        service.Policy = service.Policy with { DestinationCircuit = null };
        await service.PublishAsync();
        for (var i = 0; i < 5; i++)
        {
            (await service.SendAsync()).Error.ShouldBeNull();
        }
    }

    [Fact]
    public async Task Ejection_OfAnEndpoint_LastsThroughChanges()
    {
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { EndpointCircuit = new EndpointCircuitConfig { ConsecutiveFailures = 1, OpenFor = TimeSpan.FromMinutes(5) } };
        service.Answer = (arrival, context) => TestService.Status(context, arrival.Replica == 0 ? 500 : 200);
        await service.PublishAsync();
        await service.SendAsync();
        await service.SendAsync();
        service.At(0).ShouldBe(1);

        service.Policy = Unrelated(service.Policy) with { EndpointCircuit = service.Policy.EndpointCircuit with { ConsecutiveFailures = 9 } };
        service.Replicas = 3;
        await service.PublishAsync();

        for (var i = 0; i < 6; i++)
        {
            (await service.SendAsync()).Status.ShouldBe(200);
        }

        service.At(0).ShouldBe(1);
        service.At(2).ShouldBe(3, "the new one has its turns");
    }

    [Fact]
    public async Task Budget_Spent_StaysSpentUntilItsOwnPartChanges()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { RetryBudget = new RetryBudgetConfig { Percent = 0, MinPerSecond = 0 } };
        service.Answer = (_, context) => TestService.Status(context, 503);
        await service.PublishAsync();
        service.Policy = Unrelated(service.Policy);
        await service.PublishAsync();
        (await service.SendAsync()).Header("meshlite-retry-budget").ShouldBe("spent");

        service.Policy = service.Policy with { RetryBudget = new RetryBudgetConfig { Percent = 100, MinPerSecond = 100 } };
        await service.PublishAsync();
        (await service.SendAsync()).Header("meshlite-retry-budget").ShouldBeNull();
        service.Arrivals.Count.ShouldBe(4);
    }

    [Fact]
    public async Task RateLimit_Counts_AreKeptThroughChangesAndFollowNewLimits()
    {
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { RateLimit = new RateLimitConfig(1, 3) };
        await service.PublishAsync();
        Reply reply;
        do
        {
            reply = await service.SendAsync();
        }
        while (reply.Status == 200);

        // As new it would let three pass.
        service.Policy = Unrelated(service.Policy) with { Concurrency = new ConcurrencyConfig { MaxRequests = 77 } };
        await service.PublishAsync();
        var passed = 0;
        while ((await service.SendAsync()).Status == 200)
        {
            passed++;
        }

        passed.ShouldBeLessThanOrEqualTo(2, "those of the seconds it took");

        service.Policy = service.Policy with { RateLimit = null };
        await service.PublishAsync();
        for (var i = 0; i < 10; i++)
        {
            (await service.SendAsync()).Status.ShouldBe(200);
        }
    }

    [Fact]
    public async Task Concurrency_PlacesTaken_CountThroughChangesAndFollowNewLimits()
    {
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var service = mesh.Service();
        service.Policy = TestService.InTurn with { Concurrency = new ConcurrencyConfig { MaxRequests = 2 } };
        service.Answer = (_, _) => hold.Task;
        await service.PublishAsync();
        Task<Reply>[] held = [service.SendAsync(), service.SendAsync()];
        await Eventually.TrueAsync(() => service.Arrivals.Count == 2, "two under way");

        service.Policy = Unrelated(service.Policy);
        await service.PublishAsync();
        (await service.SendAsync()).Error.ShouldBe("overloaded");

        service.Policy = service.Policy with { Concurrency = new ConcurrencyConfig { MaxRequests = 3 } };
        await service.PublishAsync();
        var third = service.SendAsync();
        await Eventually.TrueAsync(() => service.Arrivals.Count == 3, "a third");
        (await service.SendAsync()).Error.ShouldBe("overloaded");
        hold.SetResult();
        (await Task.WhenAll([.. held, third])).ShouldAllBe(reply => reply.Status == 200);
    }

    /// <summary>Two routes, one Service: what one learns the other knows.</summary>
    [Fact]
    public async Task State_BelongsToTheService_NotToTheAuthority()
    {
        var service = mesh.Service();
        service.Rule = NoRetry;
        service.Policy = TestService.InTurn with { DestinationCircuit = new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = TimeSpan.FromMinutes(5) } };
        service.Answer = (_, context) => TestService.Status(context, 500);
        await service.PublishAsync();
        var alias = mesh.Service();
        alias.Rule = NoRetry with { Backends = [new WeightedBackendConfig(1, 1)] };
        alias.Others = [service];
        await alias.PublishAsync();
        await service.SendAsync();

        (await alias.SendAsync()).Error.ShouldBe("circuit_open");
    }
}
