using System.Collections.Immutable;

namespace MeshLite.Model;

/// <summary>
/// How the endpoints of a Service are used, by whichever route: its TrafficPolicy, with the defaults filled in. Travels
/// with each backend. Parts are compared by value: state (a breaker, a budget, a limiter) outlives every change that
/// leaves its own part as it was. Immutable.
/// </summary>
public sealed record ServicePolicyConfig
{
    /// <summary>Of a Service without TrafficPolicy.</summary>
    public static readonly ServicePolicyConfig Default = new();

    /// <summary>How an endpoint is picked.</summary>
    public LoadBalancerConfig LoadBalancer { get; init; } = new();

    /// <summary>Bound on TCP connect and TLS handshake. <value>Default 1 s.</value></summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>An HTTP exchange in which nothing moves for this long is ended; TCP has 1 h of its own. <value>Null: 5 min, WebSocket 1 h; zero: never.</value></summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>How many requests may be sent again.</summary>
    public RetryBudgetConfig RetryBudget { get; init; } = new();

    /// <summary>When an endpoint is left alone; on without any policy.</summary>
    public EndpointCircuitConfig EndpointCircuit { get; init; } = new();

    /// <summary>When the whole Service is. <value>Null: never.</value></summary>
    public DestinationCircuitConfig? DestinationCircuit { get; init; }

    /// <summary>Response statuses that count as failures of an endpoint. <value>Empty: all from 500 on.</value></summary>
    public FailureCodes FailureCodes { get; init; } = FailureCodes.ServerErrors;

    /// <summary>How many requests may be under way.</summary>
    public ConcurrencyConfig Concurrency { get; init; } = new();

    /// <summary>How many may begin. <value>Null: any number.</value></summary>
    public RateLimitConfig? RateLimit { get; init; }
}

/// <summary>How an endpoint is picked.</summary>
public sealed record LoadBalancerConfig
{
    /// <summary>The algorithm.</summary>
    public LoadBalancerType Type { get; init; }

    /// <summary>What <see cref="LoadBalancerType.RingHash"/> hashes. <value>Default the source.</value></summary>
    public HashKeyConfig HashOn { get; init; } = new(HashKeyType.Source, "");

    /// <summary>Time over which a new endpoint's share grows to its full size. <value>Default 0: at once.</value></summary>
    public TimeSpan SlowStart { get; init; }
}

/// <summary>How an endpoint is picked.</summary>
public enum LoadBalancerType
{
    /// <summary>The better of two random endpoints by peak-EWMA latency and load.</summary>
    PeakEwma,

    /// <summary>Each in turn.</summary>
    RoundRobin,

    /// <summary>The better of two random endpoints by requests in flight.</summary>
    LeastRequest,

    /// <summary>Any, by weight.</summary>
    Random,

    /// <summary>The endpoint that a key of the request hashes to, on a consistent-hash ring.</summary>
    RingHash,
}

/// <summary>The key of a consistent hash. <see cref="Name"/>: of the header or cookie; empty for the source.</summary>
public sealed record HashKeyConfig(HashKeyType Type, string Name);

/// <summary>Where the key is found. A request without it goes anywhere.</summary>
public enum HashKeyType
{
    /// <summary>The caller's address.</summary>
    Source,

    /// <summary>A request header.</summary>
    Header,

    /// <summary>A cookie of the request.</summary>
    Cookie,
}

/// <summary>
/// Bounds retries to a share of the requests (GEP-3388 <c>retryConstraint</c>; Finagle's RetryBudget): over
/// <see cref="Interval"/>, <see cref="Percent"/> of the requests, and <see cref="MinPerSecond"/> each second.
/// </summary>
public sealed record RetryBudgetConfig
{
    /// <summary>Retries per hundred requests. <value>Default 20; 0 to 100.</value></summary>
    public int Percent { get; init; } = 20;

    /// <summary>Retries that are always allowed, each second. <value>Default 10; 0 to 1,000,000.</value></summary>
    public int MinPerSecond { get; init; } = 10;

    /// <summary>How long a request counts. <value>Default 10 s; 1 s to 1 min.</value></summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>
/// Ejection of single endpoints (Envoy calls it outlier detection). Two criteria, either suffices; each is switched off by
/// its 0. The last endpoint is never ejected.
/// </summary>
public sealed record EndpointCircuitConfig
{
    /// <summary>Failures in a row. <value>Default 5; 0 to 1,000.</value></summary>
    public int ConsecutiveFailures { get; init; } = 5;

    /// <summary>Share of failures within <see cref="Window"/>. <value>Default 0.5; 0 to 1.</value></summary>
    public double FailureRatio { get; init; } = 0.5;

    /// <summary>Requests within the window below which the ratio says nothing. <value>Default 20.</value></summary>
    public int MinimumRequests { get; init; } = 20;

    /// <summary>What the ratio looks back on. <value>Default 10 s; 1 s to 5 min.</value></summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the first ejection lasts; the n-th in a row lasts n times as long. <value>Default 5 s.</value></summary>
    public TimeSpan OpenFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest an ejection lasts. <value>Default 300 s.</value></summary>
    public TimeSpan MaxOpenFor { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Share of a Service's endpoints that may be out at once. <value>Default 50; 0 to 100; 0: none is ever ejected.</value></summary>
    public int MaxEjectedPercent { get; init; } = 50;

    /// <summary>Successful probes before it is back. <value>Default 2; 1 to 100.</value></summary>
    public int SuccessesToClose { get; init; } = 2;
}

/// <summary>Failing fast for a whole Service. Two criteria, either suffices; each is switched off by its 0.</summary>
public sealed record DestinationCircuitConfig
{
    /// <summary>Failures in a row. <value>Default 20; 0 to 10,000.</value></summary>
    public int ConsecutiveFailures { get; init; } = 20;

    /// <summary>Share of failures within <see cref="Window"/>. <value>Default 0.8; 0 to 1.</value></summary>
    public double FailureRatio { get; init; } = 0.8;

    /// <summary>Requests within the window below which the ratio says nothing. <value>Default 50.</value></summary>
    public int MinimumRequests { get; init; } = 50;

    /// <summary>What the ratio looks back on. <value>Default 10 s; 1 s to 5 min.</value></summary>
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long callers fail fast before one probe is let through. <value>Default 5 s.</value></summary>
    public TimeSpan OpenFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Successful probes before it closes. <value>Default 2; 1 to 100.</value></summary>
    public int SuccessesToClose { get; init; } = 2;
}

/// <summary>Bulkhead: requests under way to a Service at once, and how many may wait for a place.</summary>
public sealed record ConcurrencyConfig
{
    /// <summary>At once. <value>Default 1,024; 1 to 1,000,000.</value></summary>
    public int MaxRequests { get; init; } = 1024;

    /// <summary>Waiting. <value>Default 0.</value></summary>
    public int MaxQueued { get; init; }

    /// <summary>How long one may wait. <value>Default 100 ms.</value></summary>
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>A token bucket.</summary>
/// <param name="RequestsPerSecond">Tokens that come each second. <value>1 to 1,000,000.</value></param>
/// <param name="Burst">Tokens it holds. <value>1 to 1,000,000.</value></param>
public sealed record RateLimitConfig(int RequestsPerSecond, int Burst);

/// <summary>
/// A token bucket for each caller whose identity one of <see cref="Principals"/> matches: a SPIFFE ID, with <c>*</c> as
/// prefix or suffix; <c>*</c> alone matches callers without identity too, who share a bucket.
/// </summary>
public sealed record CallerRateLimitConfig(ImmutableArray<string> Principals, RateLimitConfig Limit);

/// <summary>A set of response statuses, compared by its members.</summary>
public sealed class FailureCodes : IEquatable<FailureCodes>
{
    /// <summary>All from 500 on.</summary>
    public static readonly FailureCodes ServerErrors = new([]);

    /// <summary>Empty: all from 500 on.</summary>
    public FailureCodes(IEnumerable<int> codes) => Codes = [.. codes.Distinct().Order()];

    /// <summary>Ascending; empty: all from 500 on.</summary>
    public ImmutableArray<int> Codes { get; }

    /// <summary>Whether a status counts as a failure.</summary>
    public bool Contains(int status) => Codes.IsEmpty ? status >= 500 : Codes.Contains(status);

    /// <inheritdoc/>
    public bool Equals(FailureCodes? other) => other is not null && Codes.SequenceEqual(other.Codes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FailureCodes);

    /// <inheritdoc/>
    public override int GetHashCode() => Codes.Aggregate(0, (hash, code) => HashCode.Combine(hash, code));
}
