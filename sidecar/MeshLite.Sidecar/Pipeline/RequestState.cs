using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Telemetry.Tracing;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// Everything about one request: what it was routed by (pinned once, never read again from the configuration),
/// how its attempts went, what failed. Kestrel keeps it with the connection (HTTP/1.1) or stream (HTTP/2), so it
/// is reused for the next request there; one request at a time, so no locks.
/// </summary>
internal sealed class RequestState
{
    private readonly DefaultHttpContext _context = new();
    private CancellationTokenSource? _timeout;

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

    /// <summary>The backend the split chose.</summary>
    public BackendModel? Backend { get; set; }

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

    /// <summary>Sends to the chosen backend, again where that is safe.</summary>
    public AttemptInvoker Attempts { get; }

    /// <summary>Whether the time for the request is up.</summary>
    public bool TimedOut => _timeout is { IsCancellationRequested: true };

    /// <summary>Begins a request on this connection or stream.</summary>
    public void Begin(IFeatureCollection features, long now)
    {
        _context.Initialize(features);
        _context.Features.Set(this);
        Connection = features.Get<MeshConnection>()!;
        Started = now;
        Span = default;
        UpstreamStarted = UpstreamAnswered = 0;
        Destination = null;
        Rule = null;
        Backend = null;
        Endpoint = null;
        AttemptCount = 0;
        RequestBytes = ResponseBytes = 0;
        Answered = false;
        Error = null;
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

    /// <summary>Bounds the request from now on; zero or less: no bound.</summary>
    public CancellationToken StartTimeout(TimeSpan timeout, TimeProvider time)
    {
        if (timeout <= TimeSpan.Zero)
        {
            return CancellationToken.None;
        }

        if (_timeout is null)
        {
            _timeout = new CancellationTokenSource(timeout, time);
        }
        else
        {
            _timeout.CancelAfter(timeout);
        }

        return _timeout.Token;
    }

    /// <summary>Lifts the bound: a response without a policy may take as long as it keeps moving.</summary>
    public void StopTimeout() => _timeout?.CancelAfter(Timeout.InfiniteTimeSpan);
}
