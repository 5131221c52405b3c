using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Concurrency;
using MeshLite.Sidecar.Resilience.RateLimit;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// What is known of a Service while it is called: budget, breakers, limits. Belongs to its <c>ServicePool</c>, so routes and
/// subsets share it. <see cref="Apply"/> is <c>MeshState</c>'s alone, and touches only the parts whose own settings changed:
/// a new timeout closes no breaker. Requests use the parts concurrently; each is thread-safe.
/// </summary>
internal sealed class ServiceState
{
    private readonly TimeProvider _time;
    private volatile ServicePolicyConfig _policy = ServicePolicyConfig.Default;
    private volatile RetryBudget _budget;
    private volatile DestinationCircuit? _circuit;
    private volatile TokenBucket? _rateLimit;

    /// <summary>Of a Service without policy; nothing has happened yet.</summary>
    public ServiceState(TimeProvider time, Random random)
    {
        _time = time;
        _budget = new RetryBudget(_policy.RetryBudget, time);
        Ejector = new OutlierEjector(_policy.EndpointCircuit, time, random);
        Concurrency = new ConcurrencyLimiter(_policy.Concurrency, time);
    }

    /// <summary>In force.</summary>
    public ServicePolicyConfig Policy => _policy;

    /// <summary>How much may be sent again.</summary>
    public RetryBudget Budget => _budget;

    /// <summary>Which endpoints are left alone.</summary>
    public OutlierEjector Ejector { get; }

    /// <summary>Whether the whole Service is. <value>Null: the policy declares no such circuit.</value></summary>
    public DestinationCircuit? Circuit => _circuit;

    /// <summary>How much may be under way.</summary>
    public ConcurrencyLimiter Concurrency { get; }

    /// <summary>How much may begin. <value>Null: anything.</value></summary>
    public TokenBucket? RateLimit => _rateLimit;

    /// <summary>Puts a policy in force.</summary>
    public void Apply(ServicePolicyConfig policy)
    {
        var before = _policy;
        if (policy.RetryBudget != before.RetryBudget)
        {
            _budget = new RetryBudget(policy.RetryBudget, _time);
        }

        if (policy.EndpointCircuit != before.EndpointCircuit)
        {
            Ejector.Update(policy.EndpointCircuit);
        }

        if (policy.DestinationCircuit != before.DestinationCircuit)
        {
            _circuit = policy.DestinationCircuit is { } circuit ? new DestinationCircuit(circuit, _time) : null;
        }

        if (policy.Concurrency != before.Concurrency)
        {
            Concurrency.Update(policy.Concurrency);
        }

        if (policy.RateLimit != before.RateLimit)
        {
            ApplyRateLimit(policy.RateLimit);
        }

        _policy = policy;
    }

    private void ApplyRateLimit(RateLimitConfig? limit)
    {
        if (limit is null || _rateLimit is not { } bucket)
        {
            _rateLimit = limit is null ? null : new TokenBucket(limit, _time);
        }
        else
        {
            bucket.Update(limit);
        }
    }
}
