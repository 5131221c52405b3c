using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources;

/// <summary>Where requests to a Service go: the Gateway API's HTTPRoute for a Service (GAMMA), with subsets. Immutable.</summary>
public sealed record TrafficRouteResource : Resource
{
    /// <summary>Services it attaches to, in its own namespace; at least one.</summary>
    public required ImmutableArray<RouteParent> Parents { get; init; }

    /// <summary>At least one.</summary>
    public required ImmutableArray<RouteRule> Rules { get; init; }
}

/// <summary>A Service a route attaches to; null port: to all its ports.</summary>
public sealed record RouteParent(string Name, int? Port);

/// <summary>What happens to requests that match one of <see cref="Matches"/>.</summary>
public sealed record RouteRule
{
    /// <summary>Null where the document gives none.</summary>
    public string? Name { get; init; }

    /// <summary>Any of these; never empty (a rule without matches has one that matches everything).</summary>
    public required ImmutableArray<RouteMatch> Matches { get; init; }

    /// <summary>Shares of the requests.</summary>
    public ImmutableArray<BackendRef> Backends { get; init; } = [];

    /// <summary>Filter RequestHeaderModifier.</summary>
    public HeaderModifierConfig? RequestHeaders { get; init; }

    /// <summary>Filter ResponseHeaderModifier.</summary>
    public HeaderModifierConfig? ResponseHeaders { get; init; }

    /// <summary>Filter URLRewrite.</summary>
    public UrlRewriteConfig? Rewrite { get; init; }

    /// <summary>Filter RequestRedirect; then there are no backends.</summary>
    public RedirectConfig? Redirect { get; init; }

    /// <summary>Filter Fault.</summary>
    public FaultConfig? Fault { get; init; }

    /// <summary>Filters RequestMirror.</summary>
    public ImmutableArray<RouteMirror> Mirrors { get; init; } = [];

    /// <summary><c>timeouts.request</c>. <value>Null: the Service's policy, then the mesh's default; zero: none. 0 to 24 h.</value></summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary><c>timeouts.backendRequest</c>. <value>Null: the mesh's default; zero: none. 0 to 24 h.</value></summary>
    public TimeSpan? BackendRequestTimeout { get; init; }

    /// <summary><c>retry</c>. <value>Null: the mesh's default.</value></summary>
    public RetryConfig? Retry { get; init; }

    /// <summary><c>hedge</c>.</summary>
    public HedgeConfig? Hedge { get; init; }

    /// <summary><c>fallback</c>.</summary>
    public RouteFallback? Fallback { get; init; }

    /// <summary><c>sticky</c>.</summary>
    public StickyConfig? Sticky { get; init; }
}

/// <summary>What answers when the rule's backends can't; exactly one of the two.</summary>
public sealed record RouteFallback(StaticResponseConfig? Response, BackendRef? Backend);

/// <summary>Where copies of a rule's requests go.</summary>
/// <param name="Backend">Weight without meaning.</param>
/// <param name="Percent">Share of the requests. <value>Default 100; 0 to 100.</value></param>
public sealed record RouteMirror(BackendRef Backend, double Percent)
{
    /// <summary>Place among the rule's <c>filters</c>, for people only.</summary>
    public int Filter { get; init; }
}

/// <summary>All parts must match; absent parts match everything.</summary>
public sealed record RouteMatch
{
    /// <summary>Null where every path matches.</summary>
    public PathMatchConfig? Path { get; init; }

    /// <summary>Header matches.</summary>
    public ImmutableArray<ValueMatchConfig> Headers { get; init; } = [];

    /// <summary>Query parameter matches.</summary>
    public ImmutableArray<ValueMatchConfig> Query { get; init; } = [];

    /// <summary>Null: every method.</summary>
    public string? Method { get; init; }
}

/// <summary>A share of a rule's requests.</summary>
public sealed record BackendRef
{
    /// <summary>A Service.</summary>
    public required string Name { get; init; }

    /// <summary>Its namespace. <value>Default: the route's.</value></summary>
    public string? Namespace { get; init; }

    /// <summary>Its port. <value>Default: the port called, if it has that, else 80, else its first.</value></summary>
    public int? Port { get; init; }

    /// <summary>A subset that the Service's TrafficPolicy declares; null: all its endpoints.</summary>
    public string? Subset { get; init; }

    /// <summary>Share. <value>Default 1, 0 to 1,000,000.</value></summary>
    public int Weight { get; init; } = 1;
}
