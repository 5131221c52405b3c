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
    private readonly ServiceRef _service;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private volatile ServicePolicyConfig _policy = ServicePolicyConfig.Default;
    private volatile RetryBudget _budget;
    private volatile DestinationCircuit? _circuit;
    private volatile TokenBucket? _rateLimit;

    /// <summary>Of a Service without policy; nothing has happened yet.</summary>
    public ServiceState(ServiceRef service, TimeProvider time, Random random, ILogger log)
    {
        _service = service;
        _log = log;
        _time = time;
        _budget = new RetryBudget(_policy.RetryBudget, time);
        Ejector = new OutlierEjector(_policy.EndpointCircuit, time, random);
        Ejector.Changed += (_, from, to) => ResilienceLog.EndpointMoved(log, service, from, to);
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
            _circuit = policy.DestinationCircuit is { } circuit ? CreateCircuit(circuit) : null;
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

    private DestinationCircuit CreateCircuit(DestinationCircuitConfig config)
    {
        var circuit = new DestinationCircuit(config, _time);
        circuit.Changed += (from, to) => ResilienceLog.CircuitMoved(_log, _service, from, to);
        return circuit;
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
