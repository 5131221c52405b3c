using System.Collections.Immutable;

namespace MeshLite.Model;

/// <summary>
/// The answer to one subscription: what an authority (a host as the application writes it) leads to. Made by
/// the control plane's compiler, received by sidecars. Immutable; compared by its content hash, not by record equality.
/// </summary>
public sealed record DestinationConfig
{
    /// <summary>As subscribed: lower case, with or without port.</summary>
    public required string Authority { get; init; }

    /// <summary>Whether the rest holds.</summary>
    public required DestinationKind Kind { get; init; }

    /// <summary>The service it is, where <see cref="Kind"/> is <see cref="DestinationKind.Service"/>.</summary>
    public ServiceRef Service { get; init; }

    /// <summary>What the application speaks.</summary>
    public AppProtocol Protocol { get; init; }

    /// <summary>In the order of precedence (Gateway API): the first that matches decides.</summary>
    public ImmutableArray<RouteMatchConfig> Matches { get; init; } = [];

    /// <summary>What matches point at.</summary>
    public ImmutableArray<RouteRuleConfig> Rules { get; init; } = [];

    /// <summary>What rules point at.</summary>
    public ImmutableArray<BackendConfig> Backends { get; init; } = [];
}

/// <summary>What the control plane knows of an authority.</summary>
public enum DestinationKind
{
    /// <summary>A service of the mesh.</summary>
    Service,

    /// <summary>Not a mesh name: calls pass through.</summary>
    NotInMesh,

    /// <summary>A mesh name that no service has: calls fail, never in plaintext.</summary>
    Unknown,
}

/// <summary>What an application speaks on a port (Service <c>appProtocol</c>).</summary>
public enum AppProtocol
{
    /// <summary>Told by the first bytes.</summary>
    Detect,

    /// <summary>HTTP of any version.</summary>
    Http,

    /// <summary>Opaque bytes.</summary>
    Tcp,
}

/// <summary>One match, leading to <see cref="Rule"/>; absent parts match everything.</summary>
public sealed record RouteMatchConfig
{
    /// <summary>Index into <see cref="DestinationConfig.Rules"/>.</summary>
    public required int Rule { get; init; }

    /// <summary>On the normalised path, without query.</summary>
    public PathMatchConfig? Path { get; init; }

    /// <summary>All must match; names are case-insensitive.</summary>
    public ImmutableArray<ValueMatchConfig> Headers { get; init; } = [];

    /// <summary>All must match; names are case-sensitive.</summary>
    public ImmutableArray<ValueMatchConfig> Query { get; init; } = [];

    /// <summary>Exact, upper case; null matches every method.</summary>
    public string? Method { get; init; }
}

/// <summary>Path part of a match.</summary>
public sealed record PathMatchConfig(PathMatchType Type, string Value);

/// <summary>How a path is compared.</summary>
public enum PathMatchType
{
    /// <summary>The whole path.</summary>
    Exact,

    /// <summary>Whole path elements: <c>/a</c> matches <c>/a</c> and <c>/a/b</c>, not <c>/ab</c>.</summary>
    PathPrefix,

    /// <summary>A .NET non-backtracking expression, anchored at both ends.</summary>
    RegularExpression,
}

/// <summary>Header or query part of a match.</summary>
public sealed record ValueMatchConfig(ValueMatchType Type, string Name, string Value);

/// <summary>How a header or query value is compared.</summary>
public enum ValueMatchType
{
    /// <summary>The whole value.</summary>
    Exact,

    /// <summary>A .NET non-backtracking expression, anchored at both ends.</summary>
    RegularExpression,
}

/// <summary>What happens to a request that matched.</summary>
public sealed record RouteRuleConfig
{
    /// <summary><c>&lt;route&gt;/&lt;rule&gt;</c>, the metric label <c>route</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it goes; none, or only weights of 0: the request fails.</summary>
    public ImmutableArray<WeightedBackendConfig> Backends { get; init; } = [];

    /// <summary>Changes to the request's headers.</summary>
    public HeaderModifierConfig? RequestHeaders { get; init; }

    /// <summary>Changes to the response's headers.</summary>
    public HeaderModifierConfig? ResponseHeaders { get; init; }

    /// <summary>Bound on the whole request with all attempts. <value>Null: 60 s to the response's headers; zero: none.</value></summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>Bound on one attempt, its whole response included. <value>Null or zero: none but the request's.</value></summary>
    public TimeSpan? BackendRequestTimeout { get; init; }

    /// <summary>What may be sent again.</summary>
    public RetryConfig Retry { get; init; } = RetryConfig.Default;

    /// <summary>A second attempt while the first is out. <value>Null: none.</value></summary>
    public HedgeConfig? Hedge { get; init; }

    /// <summary>What answers when the backend can't. <value>Null: the failure is the answer.</value></summary>
    public FallbackConfig? Fallback { get; init; }

    /// <summary>Keeps callers with their backend. <value>Null: each request is split anew.</value></summary>
    public StickyConfig? Sticky { get; init; }

    /// <summary>Faults made on purpose. <value>Null: none.</value></summary>
    public FaultConfig? Fault { get; init; }

    /// <summary>Where copies go.</summary>
    public ImmutableArray<MirrorConfig> Mirrors { get; init; } = [];

    /// <summary>Answers with a redirect; then nothing is sent anywhere.</summary>
    public RedirectConfig? Redirect { get; init; }

    /// <summary>Changes Host and path.</summary>
    public UrlRewriteConfig? Rewrite { get; init; }
}

/// <summary>A share of a rule's requests. <see cref="Backend"/> is an index into <see cref="DestinationConfig.Backends"/>.</summary>
public readonly record struct WeightedBackendConfig(int Backend, int Weight);

/// <summary>Gateway API HTTPHeaderFilter: set, then add, then remove.</summary>
public sealed record HeaderModifierConfig
{
    /// <summary>Overwrites.</summary>
    public ImmutableArray<HeaderConfig> Set { get; init; } = [];

    /// <summary>Appends.</summary>
    public ImmutableArray<HeaderConfig> Add { get; init; } = [];

    /// <summary>Removes, by case-insensitive name.</summary>
    public ImmutableArray<string> Remove { get; init; } = [];
}

/// <summary>A header's name and value.</summary>
public readonly record struct HeaderConfig(string Name, string Value);

/// <summary>A service's port, or a subset of its endpoints, under that service's policy.</summary>
public sealed record BackendConfig
{
    /// <summary>Whose endpoints.</summary>
    public required ServiceRef Service { get; init; }

    /// <summary>Subset name; empty: all endpoints.</summary>
    public string Subset { get; init; } = "";

    /// <summary>Labels an endpoint needs to belong.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>How the Service's endpoints are used.</summary>
    public ServicePolicyConfig Policy { get; init; } = ServicePolicyConfig.Default;

    /// <summary>The service or subset named does not exist: requests fail with <c>destination_unknown</c>.</summary>
    public bool Missing { get; init; }
}
