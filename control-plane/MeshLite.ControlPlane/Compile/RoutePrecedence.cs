using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>One match of one rule of one route attached to a service.</summary>
internal readonly record struct CandidateMatch(RouteMatch Match, TrafficRouteResource Route, int Rule, int Index);

/// <summary>
/// Which of several matches decides a request: the Gateway API's order
/// (<c>https://gateway-api.sigs.k8s.io/reference/spec/#httprouterule</c>, "Proxy or Load Balancer routing configuration generated
/// from HTTPRoutes MUST prioritize…"): exact path, longest prefix, method, most headers, most query parameters, oldest route,
/// namespace/name, order in the route. Where it says nothing, of regular expressions: after exact paths and before prefixes, the
/// longer first; a catch-all prefix would hide them otherwise. Total: no two matches are equal. Pure.
/// </summary>
internal sealed class RoutePrecedence : IComparer<CandidateMatch>
{
    /// <summary>The one instance.</summary>
    public static readonly RoutePrecedence Instance = new();

    private static readonly PathMatchConfig EveryPath = new(PathMatchType.PathPrefix, "/");

    private RoutePrecedence()
    {
    }

    /// <inheritdoc/>
    public int Compare(CandidateMatch x, CandidateMatch y)
    {
        var (a, b) = (x.Match, y.Match);
        return First(
            PathRank(b).CompareTo(PathRank(a)),
            PathLength(b).CompareTo(PathLength(a)),
            (b.Method is not null).CompareTo(a.Method is not null),
            b.Headers.Length.CompareTo(a.Headers.Length),
            b.Query.Length.CompareTo(a.Query.Length),
            ResourceAge.OldestFirst.Compare(x.Route, y.Route),
            x.Rule.CompareTo(y.Rule),
            x.Index.CompareTo(y.Index));
    }

    private static int First(params ReadOnlySpan<int> results)
    {
        foreach (var result in results)
        {
            if (result != 0)
            {
                return result;
            }
        }

        return 0;
    }

    private static int PathRank(RouteMatch match) => (match.Path ?? EveryPath).Type switch
    {
        PathMatchType.Exact => 2,
        PathMatchType.RegularExpression => 1,
        _ => 0,
    };

    // Of exact paths at most one matches a request: their length decides nothing.
    private static int PathLength(RouteMatch match) =>
        match.Path is { Type: PathMatchType.Exact } ? 0 : (match.Path ?? EveryPath).Value.Length;
}
