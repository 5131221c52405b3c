using System.Collections.Immutable;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <see cref="TrafficRouteResource"/>: the route, its rules and where they lead. Pure.</summary>
internal static class TrafficRouteReader
{
    private const int MaxParents = 32;
    private const int MaxRules = 64;
    private const int MaxMatches = 64;
    private const int MaxBackends = 16;
    private const int MaxWeight = 1_000_000;

    /// <summary>Reads what follows the metadata.</summary>
    public static Resource? Read(FieldReader document, ResourceHead head) =>
        document.RequiredObject("spec", spec =>
        {
            var parents = spec.Objects("parentRefs", 1, MaxParents, ReadParent);
            var rules = spec.Objects("rules", 1, MaxRules, ReadRule);
            foreach (var name in rules.Where(r => r.Name is not null).GroupBy(r => r.Name).Where(g => g.Count() > 1))
            {
                spec.Error("rules", $"two rules are called '{name.Key}'");
            }

            foreach (var parent in parents.GroupBy(p => p).Where(g => g.Count() > 1))
            {
                spec.Error("parentRefs", $"Service {parent.Key.Name} is named twice");
            }

            spec.Unsupported("hostnames");
            return new TrafficRouteResource { Key = head.Key, Origin = head.Origin, Parents = parents, Rules = rules };
        });

    private static RouteParent ReadParent(FieldReader parent)
    {
        parent.RequireField("kind");
        parent.OneOf("kind", "Service");
        parent.Unsupported("group", "namespace", "sectionName");
        return new RouteParent(parent.RequiredText("name", Check.Label), parent.Integer("port", 1, 65535));
    }

    private static RouteRule ReadRule(FieldReader rule)
    {
        var matches = rule.Objects("matches", 0, MaxMatches, RouteMatchReader.Read);
        var filters = FilterReader.Read(rule);
        var backends = rule.Objects("backendRefs", 0, MaxBackends, ReadBackend);
        var timeouts = rule.Object("timeouts", TimeoutsReader.ReadOfRule);
        rule.Unsupported("hedge", "fallback", "sticky", "sessionPersistence");
        return new RouteRule
        {
            Name = rule.Text("name", Check.Subdomain),
            Matches = matches.IsEmpty ? [new RouteMatch()] : matches,
            Backends = backends,
            RequestHeaders = filters.Request,
            ResponseHeaders = filters.Response,
            RequestTimeout = timeouts?.Request,
            BackendRequestTimeout = timeouts?.BackendRequest,
            Retry = rule.Object("retry", RetryReader.Read),
        };
    }

    private static BackendRef ReadBackend(FieldReader backend)
    {
        backend.OneOf("kind", "Service");
        backend.Unsupported("group", "filters");
        return new BackendRef
        {
            Name = backend.RequiredText("name", Check.Label),
            Namespace = backend.Text("namespace", Check.Label),
            Port = backend.Integer("port", 1, 65535),
            Subset = backend.Text("subset", Check.Label),
            Weight = backend.Integer("weight", 0, MaxWeight) ?? 1,
        };
    }
}
