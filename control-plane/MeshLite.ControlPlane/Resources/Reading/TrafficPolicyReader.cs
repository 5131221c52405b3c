using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <see cref="TrafficPolicyResource"/>. Pure.</summary>
internal static class TrafficPolicyReader
{
    private const int MaxSubsets = 64;

    private static readonly TimeSpan MinConnectTimeout = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxConnectTimeout = TimeSpan.FromMinutes(1);

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

            var timeouts = spec.Object("timeouts", ReadTimeouts);
            spec.Unsupported(
                "retryBudget", "circuitBreaker", "outlierEjection", "concurrency", "rateLimit", "connection", "locality", "protocol", "retry");
            return new TrafficPolicyResource
            {
                Key = head.Key,
                Origin = head.Origin,
                Target = target?.Name ?? "",
                Subsets = subsets,
                LoadBalancer = spec.Object("loadBalancer", ReadLoadBalancer)?.Type ?? LoadBalancerType.PeakEwma,
                ConnectTimeout = timeouts?.Connect,
                RequestTimeout = timeouts?.Request,
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

    private static LoadBalancer ReadLoadBalancer(FieldReader balancer)
    {
        balancer.Unsupported("slowStart", "hashOn");
        return new LoadBalancer(balancer.OneOf<LoadBalancerType>("type", "LeastRequest", "Random", "RingHash"));
    }

    private static Timeouts ReadTimeouts(FieldReader timeouts)
    {
        timeouts.Unsupported("idle");
        return new Timeouts(
            timeouts.Duration("connect", MinConnectTimeout, MaxConnectTimeout),
            timeouts.Duration("request", TimeSpan.Zero, TrafficRouteReader.MaxRequestTimeout));
    }

    private sealed record TargetRef(string Name);

    private sealed record LoadBalancer(LoadBalancerType? Type);

    private sealed record Timeouts(TimeSpan? Connect, TimeSpan? Request);
}
