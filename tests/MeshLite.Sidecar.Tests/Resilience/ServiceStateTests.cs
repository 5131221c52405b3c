using MeshLite.Model;
using MeshLite.Sidecar.Resilience;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Resilience;

public sealed class ServiceStateTests
{
    private static readonly ServicePolicyConfig Policy = new()
    {
        DestinationCircuit = new DestinationCircuitConfig(),
        RateLimit = new RateLimitConfig(1, 2),
        RetryBudget = new RetryBudgetConfig { MinPerSecond = 1, Percent = 0 },
        Concurrency = new ConcurrencyConfig { MaxRequests = 2 },
    };

    private readonly ManualTimeProvider _time = new();
    private readonly ServiceState _state;

    public ServiceStateTests()
    {
        _state = new ServiceState(new ServiceRef("shop", "orders", 80), _time, new Random(1), NullLogger.Instance);
        _state.Apply(Policy);
    }

    /// <summary>Everything but the mechanisms with state, one at a time.</summary>
    public static TheoryData<string> Others => ["load balancer", "connect timeout", "idle timeout", "failure codes", "equal copy"];

    [Theory]
    [MemberData(nameof(Others))]
    public void Apply_AnotherPartChanges_EveryMechanismStaysAsItIs(string what)
    {
        var (budget, circuit, limit) = (_state.Budget, _state.Circuit, _state.RateLimit);
        _state.Budget.TryWithdraw().ShouldBeTrue();
        _state.RateLimit!.TryTake(out _).ShouldBeTrue();
        _state.Concurrency.TryAcquire().ShouldBeTrue();

        var changed = what switch
        {
            "load balancer" => Policy with { LoadBalancer = new LoadBalancerConfig { Type = LoadBalancerType.Random } },
            "connect timeout" => Policy with { ConnectTimeout = TimeSpan.FromSeconds(7) },
            "idle timeout" => Policy with { IdleTimeout = TimeSpan.Zero },
            "failure codes" => Policy with { FailureCodes = new FailureCodes([503]) },
            _ => Policy with { DestinationCircuit = new DestinationCircuitConfig(), RateLimit = new RateLimitConfig(1, 2), RetryBudget = Policy.RetryBudget with { } },
        };
        _state.Apply(changed);

        _state.Policy.ShouldBeSameAs(changed);
        (_state.Budget, _state.Circuit, _state.RateLimit).ShouldBe((budget, circuit, limit));
        _state.Budget.TryWithdraw().ShouldBeFalse("it was spent");
        _state.RateLimit.TryTake(out _).ShouldBeTrue("one was left");
        _state.RateLimit.TryTake(out _).ShouldBeFalse();
        _state.Concurrency.InUse.ShouldBe(1);
    }

    [Fact]
    public void Apply_OwnPartChanges_OnlyThatMechanismFollows()
    {
        var (budget, circuit, limit) = (_state.Budget, _state.Circuit, _state.RateLimit);

        _state.Apply(Policy with { RetryBudget = new RetryBudgetConfig { MinPerSecond = 5 } });
        _state.Budget.ShouldNotBeSameAs(budget);
        _state.Budget.Tokens.ShouldBe(5);
        (_state.Circuit, _state.RateLimit).ShouldBe((circuit, limit));

        _state.Apply(_state.Policy with { DestinationCircuit = new DestinationCircuitConfig { OpenFor = TimeSpan.FromSeconds(1) } });
        _state.Circuit.ShouldNotBeSameAs(circuit);
        _state.RateLimit.ShouldBeSameAs(limit);
    }

    [Fact]
    public void Apply_RateLimit_ComesChangesAndGoes()
    {
        _state.RateLimit!.TryTake(out _);
        _state.RateLimit.TryTake(out _);

        _state.Apply(Policy with { RateLimit = new RateLimitConfig(1, 5) });
        for (var i = 0; i < 3; i++)
        {
            _state.RateLimit!.TryTake(out _).ShouldBeTrue("two of five are missing");
        }

        _state.RateLimit!.TryTake(out _).ShouldBeFalse();

        _state.Apply(Policy with { RateLimit = null });
        _state.RateLimit.ShouldBeNull();
        _state.Apply(Policy);
        _state.RateLimit!.TryTake(out _).ShouldBeTrue("a new one is full");
    }

    [Fact]
    public void Apply_Concurrency_FollowsAtOnce()
    {
        _state.Concurrency.TryAcquire();
        _state.Concurrency.TryAcquire();
        _state.Concurrency.TryAcquire().ShouldBeFalse();

        _state.Apply(Policy with { Concurrency = new ConcurrencyConfig { MaxRequests = 3 } });

        _state.Concurrency.TryAcquire().ShouldBeTrue();
        _state.Concurrency.TryAcquire().ShouldBeFalse();
    }

    [Fact]
    public void Apply_NoCircuitDeclared_ThereIsNone()
    {
        _state.Apply(Policy with { DestinationCircuit = null });

        _state.Circuit.ShouldBeNull();
    }
}
