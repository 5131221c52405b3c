using System.Collections.Immutable;
using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Resilience.Retry;

/// <summary>
/// Whether a request may be sent again, how often and when: a rule's <see cref="RetryConfig"/>, ready for use. It knows
/// nothing of bodies, budgets and deadlines, which may still forbid what is allowed here. Immutable; one per rule.
/// </summary>
internal sealed class RetryPolicy(RetryConfig config)
{
    /// <value>Attempts after the first that what reached no application always gets. 2 (design.md §3).</value>
    public const int UndeliveredRetries = 2;

    /// <value>The wait stops growing at this many times the first. 10: 25 ms grow to 250 ms.</value>
    public const int BackoffGrowth = 10;

    private const string IdempotencyKey = "Idempotency-Key";
    private const int GrpcUnavailable = 14;

    /// <summary>Idempotent by definition (RFC 9110 §9.2.2: PUT, DELETE and the safe ones of §9.2.1).</summary>
    private static readonly ImmutableArray<string> IdempotentMethods = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"];

    private static readonly string[] StatusLabels = [.. Enumerable.Range(100, 500).Select(code => code.ToString())];
    private static readonly string[] GrpcLabels = [.. Enumerable.Range(0, 17).Select(code => $"grpc_{code}")];

    private readonly ImmutableArray<string> _methods = config.Methods.IsEmpty ? IdempotentMethods : config.Methods;
    private readonly ImmutableArray<int> _grpcCodes = config.GrpcCodes.IsEmpty ? [GrpcUnavailable] : config.GrpcCodes;

    /// <summary>Of a rule that says nothing.</summary>
    public static RetryPolicy Default { get; } = new(RetryConfig.Default);

    /// <summary>Attempts after the first.</summary>
    public int MaxRetries(bool undelivered) => undelivered ? Math.Max(UndeliveredRetries, config.Attempts) : config.Attempts;

    /// <summary>
    /// Undelivered: always. Else the cause must be worth it, and being sent twice must be harmless: by its method, by an
    /// <c>Idempotency-Key</c> (draft-ietf-httpapi-idempotency-key-header), or, of a gRPC call, because the rule declares
    /// the very status.
    /// </summary>
    public bool MayResend(string method, bool hasIdempotencyKey, bool isGrpc, RetryCause cause) => cause.Kind switch
    {
        RetryCauseKind.Undelivered => true,
        RetryCauseKind.Reset or RetryCauseKind.AttemptTimeout => IsSafe(method, hasIdempotencyKey),
        RetryCauseKind.Status => config.Codes.Contains(cause.Code) && IsSafe(method, hasIdempotencyKey),
        _ => _grpcCodes.Contains(cause.Code) && ((isGrpc && !config.GrpcCodes.IsEmpty) || IsSafe(method, hasIdempotencyKey)),
    };

    /// <summary>As above, of a request as it came.</summary>
    public bool MayResend(HttpRequest request, RetryCause cause) =>
        MayResend(request.Method, request.Headers.ContainsKey(IdempotencyKey), ErrorResponder.IsGrpc(request), cause);

    /// <summary>
    /// How long to wait before a retry, 1 being the first: exponential with full jitter, uniform over
    /// [0, min(10 · base, base · 2^(retry−1))] (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/).
    /// </summary>
    public TimeSpan Backoff(int retry, Random random) => MaxBackoff(retry) * random.NextDouble();

    /// <summary>The longest that <see cref="Backoff"/> may be.</summary>
    public TimeSpan MaxBackoff(int retry) => config.Backoff * Math.Min(BackoffGrowth, 1 << Math.Clamp(retry - 1, 0, 10));

    /// <summary>Value of the metric label <c>reason</c>. From a fixed set, whatever came over the wire.</summary>
    public static string Label(RetryCause cause) => cause.Kind switch
    {
        RetryCauseKind.Undelivered => "undelivered",
        RetryCauseKind.Reset => "reset",
        RetryCauseKind.AttemptTimeout => "attempt_timeout",
        RetryCauseKind.Status => Known(StatusLabels, cause.Code - 100),
        _ => Known(GrpcLabels, cause.Code),
    };

    private static string Known(string[] labels, int index) => (uint)index < (uint)labels.Length ? labels[index] : "_other";

    /// <summary>Method names are case-sensitive (RFC 9110 §9.1).</summary>
    private bool IsSafe(string method, bool hasIdempotencyKey) => hasIdempotencyKey || _methods.Contains(method);
}
