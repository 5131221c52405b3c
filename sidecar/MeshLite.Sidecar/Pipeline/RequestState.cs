using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Telemetry.Tracing;
using Microsoft.AspNetCore.Hosting.Server.Abstractions;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// Everything about one request: what it was routed by (pinned once, never read again from the configuration),
/// how its attempts went, what failed. Kestrel keeps it with the connection (HTTP/1.1) or stream (HTTP/2), so it
/// is reused for the next request there; one request at a time, so no locks.
/// </summary>
internal sealed class RequestState
{
    /// <value>A longer target's URI is not kept for the next request. 256 characters: what is asked for again and again is short.</value>
    private const int LongestKeptTarget = 256;

    private static readonly UriCreationOptions AsSent = new() { DangerousDisablePathAndQueryCanonicalization = true };

    private readonly DefaultHttpContext _context = new();
    private ReusableTimeout? _timeout;
    private ReusableTimeout? _idleTimer;
    private (string Prefix, string Target, Uri Uri)? _lastUri;

    /// <summary>Makes a state with its attempts.</summary>
    public RequestState(AttemptSettings attempts)
    {
        Attempts = new AttemptInvoker(this, attempts);
        Time = attempts.Time;
    }

    /// <summary>The program's clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>The request and its response.</summary>
    public HttpContext Context => _context;

    /// <summary>The connection it came by.</summary>
    public MeshConnection Connection { get; private set; } = null!;

    /// <summary>When it began; a timestamp of the program's <see cref="TimeProvider"/>.</summary>
    public long Started { get; private set; }

    /// <summary>This sidecar's span in the request's trace; none while tracing is off.</summary>
    public RequestSpan Span { get; set; }

    /// <summary>When the (last) upstream was asked, and when its headers came; 0: never.</summary>
    public long UpstreamStarted { get; set; }

    /// <inheritdoc cref="UpstreamStarted"/>
    public long UpstreamAnswered { get; set; }

    /// <summary>What the authority led to.</summary>
    public DestinationModel? Destination { get; set; }

    /// <summary>The rule that matched.</summary>
    public RouteRuleModel? Rule { get; set; }

    /// <summary>The match of <see cref="Rule"/> that it was, for the prefix a rewrite replaces.</summary>
    public RouteMatchModel? Match { get; set; }

    /// <summary>The backend the split chose, or the rule's fallback.</summary>
    public BackendModel? Backend { get; set; }

    /// <summary>The Service whose limits let this request in, to be told when it ends.</summary>
    public ServiceState? Admitted { get; set; }

    /// <summary>The circuit that let it pass and has not been told what came of it; a new policy may have brought another meanwhile.</summary>
    public DestinationCircuit? Circuit { get; set; }

    /// <summary>It is the one request that shows whether the destination's circuit may close.</summary>
    public bool IsCircuitProbe { get; set; }

    /// <summary>A <c>Set-Cookie</c> value that keeps the caller with its backend; null: none to set.</summary>
    public string? StickyCookie { get; set; }

    /// <summary>Host and target to send instead of those that came; null: as they came.</summary>
    public string? Host { get; set; }

    /// <inheritdoc cref="Host"/>
    public string? Target { get; set; }

    /// <summary>When the request must be over, if a rule or its caller says so.</summary>
    public Deadline Deadline { get; set; }

    /// <summary>When the response's headers must be there: by <see cref="Deadline"/>, or by what holds without one.</summary>
    public Deadline AnswerBy { get; set; }

    /// <summary>The timer that runs now is that of the one attempt.</summary>
    public bool AttemptBound { get; set; }

    /// <summary>The endpoint of the last attempt.</summary>
    public EndpointState? Endpoint { get; set; }

    /// <summary>Sends made so far.</summary>
    public int AttemptCount { get; set; }

    /// <summary>Body bytes sent on; of a body of declared length, that length.</summary>
    public long RequestBytes { get; set; }

    /// <summary>Body bytes of the response that came back.</summary>
    public long ResponseBytes { get; set; }

    /// <summary>Whether the response has been passed on whole; what becomes of the request's body then no longer matters.</summary>
    public bool Answered { get; set; }

    /// <summary>What failed, where the mesh failed it.</summary>
    public ProxyError? Error { get; set; }

    /// <summary>What failed and was answered by the rule's fallback instead: for metrics and logs.</summary>
    public ProxyError? Masked { get; set; }

    /// <summary>The rule's fallback has been used; there is no second.</summary>
    public bool FellBack { get; set; }

    /// <summary>Another attempt would have been made, had the budget not been spent.</summary>
    public bool BudgetSpent { get; set; }

    /// <summary>Sends to the chosen backend, again where that is safe.</summary>
    public AttemptInvoker Attempts { get; }

    /// <summary>Sends to the application; made by the first request that does.</summary>
    public ApplicationInvoker? ToApplication { get; set; }

    /// <summary>Whether the time for the request is up.</summary>
    public bool TimedOut => _timeout is { IsOver: true };

    /// <summary>The state of a request. Kestrel hands out what it keeps of ours; asked for as a feature it is searched for, several times a request.</summary>
    public static RequestState Of(HttpContext context) =>
        context.Features is IHostContextContainer<RequestState> { HostContext: { } state } ? state : context.Features.Get<RequestState>()!;

    /// <summary>A timeout for an attempt, to be given back by <see cref="Return"/>. Thread-safe: of two attempts at once the second gets a new one.</summary>
    public ReusableTimeout RentTimeout() => Interlocked.Exchange(ref _idleTimer, null) ?? new ReusableTimeout(Time);

    /// <summary>Takes back a timeout.</summary>
    public void Return(ReusableTimeout timeout)
    {
        if (!timeout.TryReset() || Interlocked.CompareExchange(ref _idleTimer, timeout, null) is not null)
        {
            timeout.Dispose();
        }
    }

    /// <summary>
    /// The URI of a target in origin form, as sent. Callers ask for the same again and again (a gRPC method, a health page): then it is
    /// the one of the last request here, which has been parsed.
    /// </summary>
    public Uri UriOf(string prefix, string target)
    {
        if (_lastUri is { } last && last.Target == target && last.Prefix == prefix)
        {
            return last.Uri;
        }

        var uri = new Uri(prefix + target, AsSent);
        _lastUri = target.Length <= LongestKeptTarget ? (prefix, target, uri) : null;
        return uri;
    }

    /// <summary>Begins a request on this connection or stream.</summary>
    public void Begin(IFeatureCollection features, long now)
    {
        _context.Initialize(features);
        if (features is not IHostContextContainer<RequestState>)
        {
            features.Set(this);
        }

        // Where it is kept with the connection, it is always the same one's.
        Connection ??= features.Get<MeshConnection>()!;
        Started = now;
        Span = default;
        UpstreamStarted = UpstreamAnswered = 0;
        Destination = null;
        Rule = null;
        Match = null;
        Backend = null;
        Admitted = null;
        Circuit = null;
        IsCircuitProbe = false;
        StickyCookie = Host = Target = null;
        Deadline = AnswerBy = Deadline.None;
        AttemptBound = false;
        Endpoint = null;
        AttemptCount = 0;
        RequestBytes = ResponseBytes = 0;
        Answered = false;
        Error = Masked = null;
        FellBack = BudgetSpent = false;
    }

    /// <summary>Ends it; what it held can be collected.</summary>
    public void End()
    {
        if (_timeout is not null && !_timeout.TryReset())
        {
            _timeout.Dispose();
            _timeout = null;
        }

        _context.Uninitialize();
    }

    /// <summary>
    /// Bounds what is under way from <paramref name="now"/> on, a timestamp, instead of what did before; <see cref="TimeSpan.MaxValue"/>: nothing
    /// does. Where time was up already, it is.
    /// </summary>
    public void StartTimeout(long now, TimeSpan left) => (_timeout ??= new ReusableTimeout(Time)).Start(now, left);

    /// <summary>Cancelled when the time is up; may be asked for once <see cref="StartTimeout"/> was called.</summary>
    public CancellationToken Timeout => _timeout?.Token ?? CancellationToken.None;
}
