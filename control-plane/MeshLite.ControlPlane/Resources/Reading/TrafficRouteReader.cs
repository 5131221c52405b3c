using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads <see cref="TrafficRouteResource"/>: the route, its rules and where they lead. Pure.</summary>
internal static class TrafficRouteReader
{
    private const int MaxParents = 32;
    private const int MaxRules = 64;
    private const int MaxMatches = 64;
    private const int MaxBackends = 16;

    private static readonly TimeSpan MinHedge = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan MaxHedge = TimeSpan.FromMinutes(1);

    private static readonly string[] WithoutEffectBesideRedirect = ["backendRefs", "retry", "hedge", "fallback", "sticky"];

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
        var backends = rule.Objects("backendRefs", 0, MaxBackends, BackendRefReader.ReadShare);
        var timeouts = rule.Object("timeouts", TimeoutsReader.ReadOfRule);
        rule.Unsupported("sessionPersistence");
        CheckFilters(rule, matches, filters);
        return new RouteRule
        {
            Name = rule.Text("name", Check.Subdomain),
            Matches = matches.IsEmpty ? [new RouteMatch()] : matches,
            Backends = backends,
            RequestHeaders = filters.Request,
            ResponseHeaders = filters.Response,
            Rewrite = filters.Rewrite,
            Redirect = filters.Redirect,
            Fault = filters.Fault,
            Mirrors = filters.Mirrors,
            RequestTimeout = timeouts?.Request,
            BackendRequestTimeout = timeouts?.BackendRequest,
            Retry = rule.Object("retry", RetryReader.Read),
            Hedge = rule.Object("hedge", ReadHedge),
            Fallback = rule.Object("fallback", FallbackReader.Read),
            Sticky = rule.Object("sticky", StickyReader.Read),
        };
    }

    private static HedgeConfig ReadHedge(FieldReader hedge)
    {
        hedge.RequireField("delay");
        return new HedgeConfig(hedge.Duration("delay", MinHedge, MaxHedge) ?? MinHedge);
    }

    // As the Gateway API's own rules have it.
    private static void CheckFilters(FieldReader rule, ImmutableArray<RouteMatch> matches, FilterReader.Filters filters)
    {
        if (filters.Redirect is not null)
        {
            foreach (var name in WithoutEffectBesideRedirect.Where(rule.Has))
            {
                rule.Error(name, "has no effect beside RequestRedirect, which sends requests nowhere");
            }

            if (filters.Rewrite is not null || !filters.Mirrors.IsEmpty)
            {
                rule.Error("filters", $"{(filters.Rewrite is not null ? "URLRewrite" : "RequestMirror")} and RequestRedirect exclude each other");
            }
        }

        if ((filters.Rewrite?.Path ?? filters.Redirect?.Path)?.Type == PathRewriteType.ReplacePrefixMatch
            && matches.Any(match => match.Path is { Type: not PathMatchType.PathPrefix }))
        {
            rule.Error("filters", "ReplacePrefixMatch replaces the prefix that matched, so every match of the rule must be a PathPrefix");
        }
    }
}
