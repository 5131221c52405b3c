using System.Collections.Immutable;

namespace MeshLite.Model;

/// <summary>
/// What a rule says about sending a request again (GEP-1731's <c>retry</c>, with methods and gRPC codes). Requests that
/// reached no application are sent again whatever stands here.
/// </summary>
public sealed record RetryConfig
{
    /// <summary>Without a rule of its own.</summary>
    public static readonly RetryConfig Default = new();

    /// <summary>Attempts after the first. <value>Default 2; 0 to 10. 0: only what reached no application is sent again.</value></summary>
    public int Attempts { get; init; } = 2;

    /// <summary>Response statuses that are worth another attempt. <value>Default 502, 503, 504.</value></summary>
    public ImmutableArray<int> Codes { get; init; } = [502, 503, 504];

    /// <summary>
    /// gRPC statuses that are. Declared, they hold for every gRPC call. <value>Empty: UNAVAILABLE, of calls with an <c>Idempotency-Key</c>.</value>
    /// </summary>
    public ImmutableArray<int> GrpcCodes { get; init; } = [];

    /// <summary>Methods that may be sent twice, upper case. <value>Empty: the idempotent ones (RFC 9110 §9.2.2).</value></summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>Upper bound of the wait before the first retry; doubles with each, up to ten times this. <value>Default 25 ms.</value></summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(25);
}

/// <summary>A second attempt where the first has not answered in time; for idempotent requests whose body, if any, is held whole.</summary>
/// <param name="Delay">How long the first is waited for. <value>1 ms to 1 min.</value></param>
public sealed record HedgeConfig(TimeSpan Delay);

/// <summary>What answers when the rule's backend can't: exactly one of the two.</summary>
public sealed record FallbackConfig
{
    /// <summary>A response of the mesh's own.</summary>
    public StaticResponseConfig? Response { get; init; }

    /// <summary>Another backend: index into <see cref="DestinationConfig.Backends"/>.</summary>
    public int? Backend { get; init; }
}

/// <summary>A whole response. <see cref="Status"/> 200 to 599.</summary>
public sealed record StaticResponseConfig(int Status, string ContentType, string Body);

/// <summary>Keeps a caller with the backend a split first gave it: exactly one of cookie and header.</summary>
public sealed record StickyConfig
{
    /// <summary>Name of a cookie that the mesh sets.</summary>
    public string? Cookie { get; init; }

    /// <summary>How long the cookie lives. <value>Null: as long as the browser's session.</value></summary>
    public TimeSpan? CookieTtl { get; init; }

    /// <summary>Name of a request header whose value is what stays together.</summary>
    public string? Header { get; init; }
}

/// <summary>Faults made on purpose. Delay and abort are drawn independently; percentages are 0 to 100.</summary>
public sealed record FaultConfig
{
    /// <summary>How long the chosen requests wait before anything else happens. <value>Default 0: none.</value></summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Share of requests delayed.</summary>
    public double DelayPercent { get; init; }

    /// <summary>Status the chosen requests are answered with. <value>200 to 599; 0: none.</value></summary>
    public int AbortStatus { get; init; }

    /// <summary>Share of requests aborted.</summary>
    public double AbortPercent { get; init; }
}

/// <summary>Copies of a share of the requests, whose responses nobody waits for.</summary>
/// <param name="Backend">Index into <see cref="DestinationConfig.Backends"/>.</param>
/// <param name="Percent">0 to 100.</param>
public sealed record MirrorConfig(int Backend, double Percent);

/// <summary>The mesh answers with a redirect (Gateway API HTTPRequestRedirectFilter); absent parts stay as the request has them.</summary>
public sealed record RedirectConfig
{
    /// <summary><c>http</c> or <c>https</c>.</summary>
    public string? Scheme { get; init; }

    /// <summary>Host without port.</summary>
    public string? Hostname { get; init; }

    /// <summary>Port. <value>Null: none where the scheme is given, else the request's.</value></summary>
    public int? Port { get; init; }

    /// <summary>The path.</summary>
    public PathRewriteConfig? Path { get; init; }

    /// <summary>301, 302, 303, 307 or 308. <value>Default 302.</value></summary>
    public int StatusCode { get; init; } = 302;
}

/// <summary>Changes Host and path of a request before it is sent (Gateway API HTTPURLRewriteFilter).</summary>
public sealed record UrlRewriteConfig
{
    /// <summary>The new Host.</summary>
    public string? Hostname { get; init; }

    /// <summary>The new path; the query stays.</summary>
    public PathRewriteConfig? Path { get; init; }
}

/// <summary>A path, or the part of it that a prefix match matched, replaced by <see cref="Value"/>.</summary>
public sealed record PathRewriteConfig(PathRewriteType Type, string Value);

/// <summary>Gateway API HTTPPathModifierType.</summary>
public enum PathRewriteType
{
    /// <summary>The whole path.</summary>
    ReplaceFullPath,

    /// <summary>The prefix that matched; the rest stays.</summary>
    ReplacePrefixMatch,
}
