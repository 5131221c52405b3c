using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <see cref="TrafficPolicyResource"/>. Pure.</summary>
internal static class TrafficPolicyReader
{
    private const int MaxSubsets = 64;

    /// <summary>Reads what follows the metadata.</summary>
    public static Resource? Read(FieldReader document, ResourceHead head) =>
        document.RequiredObject("spec", spec =>
        {
            var target = spec.RequiredObject("targetRef", ReadTarget);
            var subsets = spec.Objects("subsets", 0, MaxSubsets, ReadSubset);
            foreach (var name in subsets.GroupBy(s => s.Name).Where(g => g.Count() > 1))
            {
                spec.Error("subsets", $"two subsets are called '{name.Key}'");
            }

            var timeouts = spec.Object("timeouts", TimeoutsReader.ReadOfService);
            var breaker = spec.Object("circuitBreaker", CircuitBreakerReader.Read);
            var concurrency = spec.Object("concurrency", LimitsReader.ReadConcurrency);
            var rates = spec.Object("rateLimit", LimitsReader.ReadRates);
            var byDefault = ServicePolicyConfig.Default;
            spec.Unsupported("outlierEjection", "connection", "locality", "protocol", "retry");
            return new TrafficPolicyResource
            {
                Key = head.Key,
                Origin = head.Origin,
                Target = target?.Name ?? "",
                Subsets = subsets,
                Outbound = byDefault with
                {
                    LoadBalancer = spec.Object("loadBalancer", LoadBalancerReader.Read) ?? byDefault.LoadBalancer,
                    IdleTimeout = timeouts?.Idle,
                    RetryBudget = spec.Object("retryBudget", LimitsReader.ReadBudget) ?? byDefault.RetryBudget,
                    EndpointCircuit = breaker?.Endpoint ?? byDefault.EndpointCircuit,
                    DestinationCircuit = breaker?.Destination,
                    FailureCodes = breaker?.FailureCodes ?? byDefault.FailureCodes,
                    Concurrency = concurrency?.Outbound ?? byDefault.Concurrency,
                    RateLimit = rates?.Outbound,
                },
                ConnectTimeout = timeouts?.Connect,
                RequestTimeout = timeouts?.Request,
                InboundMaxRequests = concurrency?.InboundMaxRequests,
                InboundRateLimits = rates?.Inbound ?? [],
            };
        });

    private static TargetRef ReadTarget(FieldReader target)
    {
        target.RequireField("kind");
        target.OneOf("kind", "Service");
        target.Unsupported("group", "namespace", "sectionName");
        return new TargetRef(target.RequiredText("name", Check.Label));
    }

    private static SubsetResource ReadSubset(FieldReader subset)
    {
        var name = subset.RequiredText("name", Check.Label);
        subset.RequireField("labels");
        var labels = subset.Labels("labels", Check.LabelKey, Check.LabelValue);
        if (labels is { IsEmpty: true })
        {
            subset.Error("labels", "must name at least one label");
        }

        return new SubsetResource(name, labels ?? ImmutableSortedDictionary<string, string>.Empty);
    }

    private sealed record TargetRef(string Name);
}
