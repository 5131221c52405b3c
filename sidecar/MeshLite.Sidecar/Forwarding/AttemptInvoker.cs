using System.Runtime.ExceptionServices;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Fallback;
using MeshLite.Sidecar.Resilience.Hedge;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>What attempts are made by. One per program; immutable.</summary>
internal sealed record AttemptSettings(TimeProvider Time, Random Random, RetryMetrics? Retries = null)
{
    /// <value>What a failed attempt counts as in the endpoint's latency. 1 s: the bound on connecting.</value>
    public static readonly TimeSpan FailurePenalty = TimeSpan.FromSeconds(1);
}

/// <summary>
/// The client YARP sends an outbound request by: picks an endpoint, sends once, and where that failed and may be tried again,
/// picks anew. Each attempt is exactly one send. Belongs to one <see cref="RequestState"/> and is reused with it.
/// <list type="number">
/// <item>Pick: an endpoint not yet tried.</item>
/// <item>Send: within the attempt's own time, hedged by a second attempt if the rule says so.</item>
/// <item>Judge: <see cref="AttemptEnd"/> says what it was, the endpoint's load and health learn of it.</item>
/// <item>Again: if the rule, the body, the deadline and at last the budget allow it.</item>
/// <item>Fall back, if the rule has something to fall back to.</item>
/// </list>
/// </summary>
internal sealed class AttemptInvoker(RequestState state, AttemptSettings settings) : HttpMessageInvoker(NoHandler.Instance, disposeHandler: false)
{
    // Of the request under way. Not locals of SendAsync, whose frame every request would copy to the heap as it waits.
    private ServiceState _service = null!;
    private ulong? _key;
    private ExcludedEndpoints _tried;
    private Picked<EndpointState> _picked;
    private OneSend _send;
    private AttemptEnd _end;

    /// <inheritdoc/>
    public override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content as ReplayContent;
        state.Rule!.Mirrors?.Send(state, request, body);
        var fellBack = false;
        do
        {
            Begin();

            // Step 1: Pick
            for (var attempt = 0; TryPick(request); attempt++)
            {
                // Steps 2 and 3: Send, Judge
                if (state.Rule!.Hedge is { } hedge && HedgeModel.Allows(state, state.Rule, request))
                {
                    await SendHedgedAsync(hedge, request, body, cancellationToken);
                }
                else
                {
                    // As SendOnceAsync, but without another async method's frame for each request.
                    _send = new OneSend(state, _picked, _service, race: null, cancellationToken);
                    _end = OneSend.Unfinished;
                    try
                    {
                        var response = await _send.SendAsync(request);
                        _end = _send.Answered(response);
                    }
                    catch (Exception e) when (OneSend.IsFailure(e))
                    {
                        _end = _send.Failed(e, body);
                    }
                    finally
                    {
                        _send.End(in _end);
                    }
                }

                Note();

                // Step 4: Again
                if (!MayRetry(body, attempt, out var delay) || !await WaitAsync(delay, body, cancellationToken))
                {
                    break;
                }
            }
        }
        while (!fellBack && CallsForFallback && (fellBack = await FallBackAsync(request, body, cancellationToken)));

        return Finish(body);
    }

    private void Begin()
    {
        var backend = state.Backend!;
        _service = backend.Pool.State;
        _key = backend.KeyOf(state.Context);
        _tried = default;
        _service.Budget.Deposit();
    }

    /// <summary>False: there is nobody to send to, which <see cref="_end"/> says.</summary>
    private bool TryPick(HttpRequestMessage request)
    {
        var backend = state.Backend!;
        _picked = backend.Pick(in _tried, _key);
        if (_picked.Endpoint is null)
        {
            _end = NoEndpoint(backend);
            return false;
        }

        state.AttemptCount++;
        state.Endpoint = _picked.Endpoint;
        state.UpstreamStarted = settings.Time.GetTimestamp();
        SetTimeout(request, state.Rule!);
        _tried.Add(_picked.Endpoint);
        return true;
    }

    private async Task SendHedgedAsync(HedgeModel hedge, HttpRequestMessage request, ReplayContent? body, CancellationToken cancellationToken) =>
        _end = await hedge.SendAsync(new HedgeRace(this, state, request, body, _picked, state.Backend!, _tried, _key, cancellationToken), cancellationToken);

    /// <summary>False: the caller has left, or time was up, before the next attempt.</summary>
    private async ValueTask<bool> WaitAsync(TimeSpan delay, ReplayContent? body, CancellationToken cancellationToken)
    {
        settings.Retries?.Retried(state.Backend!.Config.Service, _end.Cause!.Value, _end.Error);
        _end.Response?.Dispose();
        try
        {
            await Task.Delay(delay, settings.Time, cancellationToken);
            return true;
        }
        catch (OperationCanceledException e)
        {
            _end = AttemptEnd.Of(state, e, default, body) with { Endpoint = _end.Endpoint, Outcome = _end.Outcome };
            return false;
        }
    }

    /// <summary>The response that goes to the caller; throws what there is in place of one.</summary>
    private HttpResponseMessage Finish(ReplayContent? body)
    {
        var end = _end;
        _service = null!;
        _tried = default;
        _picked = default;
        _send = default;
        _end = default;
        Admission.Judge(state, end.Outcome);
        body?.Commit();
        if (end.Response is null)
        {
            // Of a body that broke off, or a caller that left, YARP knows.
            state.Error = end.Exception is OperationCanceledException && end.Cause is null ? null : end.Error;
            ExceptionDispatchInfo.Throw(end.Exception!);
        }

        RequestDeadline.OnAnswered(state, end.TimeLeft);
        return end.Response;
    }

    /// <summary>One send of a hedge. Touches nothing of the request's state, since a hedge's loser may end after its request.</summary>
    internal async ValueTask<AttemptEnd> SendOnceAsync(
        HttpRequestMessage request, Picked<EndpointState> picked, ServiceState service, HedgeRace race, CancellationToken cancellationToken)
    {
        var send = new OneSend(state, picked, service, race, cancellationToken);
        var end = OneSend.Unfinished;
        try
        {
            return end = send.Answered(await send.SendAsync(request));
        }
        catch (Exception e) when (OneSend.IsFailure(e))
        {
            return end = send.Failed(e, request.Content as ReplayContent);
        }
        finally
        {
            send.End(in end);
        }
    }

    private bool CallsForFallback => state.Rule!.Fallback is not null && _end.Failed && !state.Context.RequestAborted.IsCancellationRequested;

    // Step 5: Fall back. True: to another backend, which is now to be sent to.
    private async Task<bool> FallBackAsync(HttpRequestMessage request, ReplayContent? body, CancellationToken cancellationToken)
    {
        var fallback = state.Rule!.Fallback!;
        switch (await fallback.InsteadAsync(state, _end, body, cancellationToken))
        {
            case FallbackChoice.OtherBackend:
                return true;
            case FallbackChoice.StaticResponse:
                _end = Replace(in _end, fallback.CreateResponse(request));
                return false;
            default:
                return false;
        }
    }

    /// <summary>Of two attempts at once, the one that counts.</summary>
    private void Note()
    {
        state.Endpoint = _end.Endpoint;
        state.UpstreamStarted = _end.Started;
        state.UpstreamAnswered = _end.Answered;
        _tried.Add(_end.Endpoint!);
    }

    private bool MayRetry(ReplayContent? body, int attempt, out TimeSpan delay)
    {
        delay = TimeSpan.Zero;
        var retry = state.Rule!.Retry;
        if (_end.Cause is not { } cause)
        {
            return false;
        }

        var undelivered = cause.Kind == RetryCauseKind.Undelivered;
        if (attempt >= retry.MaxRetries(undelivered)
            || !retry.MayResend(state.Context.Request, cause)
            || body is { CanReplay: false })
        {
            return false;
        }

        delay = retry.Backoff(attempt + 1, settings.Random);
        if (!undelivered && _end.Response is { } response && WaitAskedFor(response) is { } asked && asked > delay)
        {
            delay = asked;
        }

        // Past the deadline there is no retry; nor while everyone else fails fast.
        if (delay >= state.AnswerBy.Remaining(settings.Time.GetTimestamp()) || _service.Circuit is { State: CircuitState.Open })
        {
            return false;
        }

        if (!_service.Budget.TryWithdraw())
        {
            state.BudgetSpent = true;
            settings.Retries?.Withheld(state.Backend!.Config.Service);
            return false;
        }

        return body is null || body.TryRelease();
    }

    private TimeSpan? WaitAskedFor(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("Retry-After", out var values) && RetryAfter.TryParse(values.ToString(), settings.Time.GetUtcNow(), out var wait) ? wait : null;

    /// <summary>Tells the next hop how long it has: what is left now, of the request and of this attempt.</summary>
    internal void SetTimeout(HttpRequestMessage request, RouteRuleModel rule)
    {
        var left = state.Deadline.Remaining(settings.Time.GetTimestamp());
        if (rule.BackendRequestTimeout is { } bound && bound > TimeSpan.Zero && bound < left)
        {
            left = bound;
        }

        if (left < TimeSpan.MaxValue)
        {
            TimeoutHeader.Set(request, ErrorResponder.IsGrpc(state.Context.Request), left);
        }
    }

    private static AttemptEnd NoEndpoint(BackendModel backend) => new()
    {
        Exception = new HttpRequestException("no endpoint"),
        Error = new ProxyError(ErrorReason.NoHealthyEndpoint, ErrorSource.Upstream, $"'{backend.Name}' has no ready endpoint.", Undelivered: true),
        Cause = RetryCause.Undelivered,
        Outcome = AttemptOutcome.Failure,
        TimeLeft = TimeSpan.MaxValue,
    };

    private static AttemptEnd Replace(in AttemptEnd end, HttpResponseMessage response)
    {
        end.Response?.Dispose();
        return end with { Response = response, TimeLeft = TimeSpan.MaxValue };
    }

    private sealed class NoHandler : HttpMessageHandler
    {
        public static readonly NoHandler Instance = new();

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}
