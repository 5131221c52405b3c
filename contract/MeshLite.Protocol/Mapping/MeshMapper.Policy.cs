using Google.Protobuf.WellKnownTypes;
using MeshLite.Model;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <content>The policy of a backend's Service. A part with its defaults is absent on the wire.</content>
public static partial class MeshMapper
{
    private static ServicePolicyConfig FromProto(Proto.ServicePolicy policy, string field)
    {
        var byDefault = ServicePolicyConfig.Default;
        return new()
        {
            LoadBalancer = policy.LoadBalancer is { } balancer ? FromProto(balancer, $"{field}.load_balancer") : byDefault.LoadBalancer,
            ConnectTimeout = Field.Duration(policy.ConnectTimeout, byDefault.ConnectTimeout, $"{field}.connect_timeout"),
            IdleTimeout = policy.IdleTimeout is { } idle ? Field.Duration(idle, $"{field}.idle_timeout") : null,
            RetryBudget = policy.RetryBudget is { } budget ? FromProto(budget, $"{field}.retry_budget") : byDefault.RetryBudget,
            EndpointCircuit = policy.EndpointCircuit is { } endpoint ? FromProto(endpoint, $"{field}.endpoint_circuit") : byDefault.EndpointCircuit,
            DestinationCircuit = policy.DestinationCircuit is { } destination ? FromProto(destination, $"{field}.destination_circuit") : null,
            FailureCodes = policy.FailureCodes.Count == 0
                ? FailureCodes.ServerErrors
                : new FailureCodes(policy.FailureCodes.Select((code, i) => Field.Status(code, $"{field}.failure_codes[{i}]"))),
            Concurrency = policy.Concurrency is { } concurrency ? FromProto(concurrency, $"{field}.concurrency") : byDefault.Concurrency,
            RateLimit = policy.RateLimit is { } limit ? FromProto(limit, $"{field}.rate_limit") : null,
        };
    }

    private static Proto.ServicePolicy ToProto(ServicePolicyConfig policy)
    {
        var byDefault = ServicePolicyConfig.Default;
        return new()
        {
            LoadBalancer = policy.LoadBalancer == byDefault.LoadBalancer ? null : ToProto(policy.LoadBalancer),
            ConnectTimeout = policy.ConnectTimeout == byDefault.ConnectTimeout ? null : Duration.FromTimeSpan(policy.ConnectTimeout),
            IdleTimeout = ToProto(policy.IdleTimeout),
            RetryBudget = policy.RetryBudget == byDefault.RetryBudget ? null : ToProto(policy.RetryBudget),
            EndpointCircuit = policy.EndpointCircuit == byDefault.EndpointCircuit ? null : ToProto(policy.EndpointCircuit),
            DestinationCircuit = policy.DestinationCircuit is { } destination ? ToProto(destination) : null,
            FailureCodes = { policy.FailureCodes.Codes.Select(code => (uint)code) },
            Concurrency = policy.Concurrency == byDefault.Concurrency ? null : ToProto(policy.Concurrency),
            RateLimit = policy.RateLimit is { } limit ? ToProto(limit) : null,
        };
    }

    private static LoadBalancerConfig FromProto(Proto.LoadBalancer balancer, string field) => new()
    {
        Type = Field.Enum<LoadBalancerType>(balancer.Type, $"{field}.type"),
        HashOn = balancer.HashOn is { } key ? FromProto(key, $"{field}.hash_on") : new LoadBalancerConfig().HashOn,
        SlowStart = Field.Duration(balancer.SlowStart, TimeSpan.Zero, $"{field}.slow_start"),
    };

    private static Proto.LoadBalancer ToProto(LoadBalancerConfig balancer) => new()
    {
        Type = (Proto.LoadBalancer.Types.Type)balancer.Type,
        HashOn = balancer.HashOn.Type == HashKeyType.Source ? null : new() { Type = (Proto.HashKey.Types.Type)balancer.HashOn.Type, Name = balancer.HashOn.Name },
        SlowStart = balancer.SlowStart == TimeSpan.Zero ? null : Duration.FromTimeSpan(balancer.SlowStart),
    };

    private static HashKeyConfig FromProto(Proto.HashKey key, string field)
    {
        var type = Field.Enum<HashKeyType>(key.Type, $"{field}.type");
        return new(type, type == HashKeyType.Source ? "" : Field.Token(key.Name, $"{field}.name"));
    }

    private static RetryBudgetConfig FromProto(Proto.RetryBudget budget, string field) => new()
    {
        Percent = (int)Field.Percent(budget.Percent, $"{field}.percent"),
        MinPerSecond = Field.Count(budget.MinPerSecond, 0, $"{field}.min_per_second"),
        Interval = Field.Span(budget.Interval, $"{field}.interval"),
    };

    private static Proto.RetryBudget ToProto(RetryBudgetConfig budget) => new()
    {
        Percent = (uint)budget.Percent,
        MinPerSecond = (uint)budget.MinPerSecond,
        Interval = Duration.FromTimeSpan(budget.Interval),
    };

    private static EndpointCircuitConfig FromProto(Proto.EndpointCircuit circuit, string field) => new()
    {
        ConsecutiveFailures = Field.Count(circuit.ConsecutiveFailures, 0, $"{field}.consecutive_failures"),
        FailureRatio = Field.Ratio(circuit.FailureRatio, $"{field}.failure_ratio"),
        MinimumRequests = Field.Count(circuit.MinimumRequests, 0, $"{field}.minimum_requests"),
        Window = Field.Span(circuit.Window, $"{field}.window"),
        OpenFor = Field.Span(circuit.OpenFor, $"{field}.open_for"),
        MaxOpenFor = Field.Span(circuit.MaxOpenFor, $"{field}.max_open_for"),
        MaxEjectedPercent = (int)Field.Percent(circuit.MaxEjectedPercent, $"{field}.max_ejected_percent"),
        SuccessesToClose = Field.Count(circuit.SuccessesToClose, 1, $"{field}.successes_to_close"),
    };

    private static Proto.EndpointCircuit ToProto(EndpointCircuitConfig circuit) => new()
    {
        ConsecutiveFailures = (uint)circuit.ConsecutiveFailures,
        FailureRatio = circuit.FailureRatio,
        MinimumRequests = (uint)circuit.MinimumRequests,
        Window = Duration.FromTimeSpan(circuit.Window),
        OpenFor = Duration.FromTimeSpan(circuit.OpenFor),
        MaxOpenFor = Duration.FromTimeSpan(circuit.MaxOpenFor),
        MaxEjectedPercent = (uint)circuit.MaxEjectedPercent,
        SuccessesToClose = (uint)circuit.SuccessesToClose,
    };

    private static DestinationCircuitConfig FromProto(Proto.DestinationCircuit circuit, string field) => new()
    {
        ConsecutiveFailures = Field.Count(circuit.ConsecutiveFailures, 0, $"{field}.consecutive_failures"),
        FailureRatio = Field.Ratio(circuit.FailureRatio, $"{field}.failure_ratio"),
        MinimumRequests = Field.Count(circuit.MinimumRequests, 0, $"{field}.minimum_requests"),
        Window = Field.Span(circuit.Window, $"{field}.window"),
        OpenFor = Field.Span(circuit.OpenFor, $"{field}.open_for"),
        SuccessesToClose = Field.Count(circuit.SuccessesToClose, 1, $"{field}.successes_to_close"),
    };

    private static Proto.DestinationCircuit ToProto(DestinationCircuitConfig circuit) => new()
    {
        ConsecutiveFailures = (uint)circuit.ConsecutiveFailures,
        FailureRatio = circuit.FailureRatio,
        MinimumRequests = (uint)circuit.MinimumRequests,
        Window = Duration.FromTimeSpan(circuit.Window),
        OpenFor = Duration.FromTimeSpan(circuit.OpenFor),
        SuccessesToClose = (uint)circuit.SuccessesToClose,
    };

    private static ConcurrencyConfig FromProto(Proto.Concurrency concurrency, string field) => new()
    {
        MaxRequests = Field.Count(concurrency.MaxRequests, 1, $"{field}.max_requests"),
        MaxQueued = Field.Count(concurrency.MaxQueued, 0, $"{field}.max_queued"),
        QueueTimeout = Field.Duration(concurrency.QueueTimeout, TimeSpan.Zero, $"{field}.queue_timeout"),
    };

    private static Proto.Concurrency ToProto(ConcurrencyConfig concurrency) => new()
    {
        MaxRequests = (uint)concurrency.MaxRequests,
        MaxQueued = (uint)concurrency.MaxQueued,
        QueueTimeout = Duration.FromTimeSpan(concurrency.QueueTimeout),
    };

    private static RateLimitConfig FromProto(Proto.RateLimit limit, string field) => new(
        Field.Count(limit.RequestsPerSecond, 1, $"{field}.requests_per_second"), Field.Count(limit.Burst, 1, $"{field}.burst"));

    private static Proto.RateLimit ToProto(RateLimitConfig limit) =>
        new() { RequestsPerSecond = (uint)limit.RequestsPerSecond, Burst = (uint)limit.Burst };
}
