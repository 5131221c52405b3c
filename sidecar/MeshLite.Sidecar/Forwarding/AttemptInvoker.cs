using System.Runtime.CompilerServices;
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
    /// <inheritdoc/>
    public override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var rule = state.Rule!;
        var body = request.Content as ReplayContent;
        rule.Mirrors?.Send(state, request, body);
        var end = await SendToBackendAsync(request, body, cancellationToken);

        if (rule.Fallback is { } fallback && end.Failed && !state.Context.RequestAborted.IsCancellationRequested)
        {
            end = await FallBackAsync(fallback, end, request, body, cancellationToken);
        }

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

    // What it keeps while it waits is several hundred bytes, which every request would leave behind.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<AttemptEnd> SendToBackendAsync(HttpRequestMessage request, ReplayContent? body, CancellationToken cancellationToken)
    {
        var rule = state.Rule!;
        var backend = state.Backend!;
        var service = backend.Pool.State;
        var key = backend.KeyOf(state.Context);
        var tried = default(ExcludedEndpoints);
        service.Budget.Deposit();
        for (var attempt = 0; ; attempt++)
        {
            // Step 1: Pick
            var picked = backend.Pick(in tried, key);
            if (picked.Endpoint is null)
            {
                return NoEndpoint(backend);
            }

            // Steps 2 and 3: Send, Judge
            state.AttemptCount++;
            state.Endpoint = picked.Endpoint;
            state.UpstreamStarted = settings.Time.GetTimestamp();
            SetTimeout(request, rule);
            tried.Add(picked.Endpoint);
            AttemptEnd end;
            if (rule.Hedge is { } hedge && HedgeModel.Allows(state, rule, request))
            {
                end = await hedge.SendAsync(new HedgeRace(this, state, request, body, picked, backend, tried, key, cancellationToken), cancellationToken);
            }
            else
            {
                // As SendOnceAsync, but without the box of another async method for each request.
                var send = new OneSend(state, picked, service, race: null, cancellationToken);
                end = OneSend.Unfinished;
                try
                {
                    end = send.Answered(await send.SendAsync(request));
                }
                catch (Exception e) when (OneSend.IsFailure(e))
                {
                    end = send.Failed(e, body);
                }
                finally
                {
                    send.End(in end);
                }
            }

            state.Endpoint = end.Endpoint;
            state.UpstreamStarted = end.Started;
            state.UpstreamAnswered = end.Answered;
            tried.Add(end.Endpoint!);

            // Step 4: Again
            if (end.Cause is not { } cause || !MayRetry(rule, service, body, attempt, cause, end.Response, out var delay))
            {
                return end;
            }

            settings.Retries?.Retried(backend.Config.Service, cause, end.Error);
            end.Response?.Dispose();
            try
            {
                await Task.Delay(delay, settings.Time, cancellationToken);
            }
            catch (OperationCanceledException e)
            {
                return AttemptEnd.Of(state, e, default, body) with { Endpoint = end.Endpoint, Outcome = end.Outcome };
            }
        }
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

    // Step 5: Fall back. Apart, so that requests that need none don't keep room for it.
    private async ValueTask<AttemptEnd> FallBackAsync(
        FallbackModel fallback, AttemptEnd end, HttpRequestMessage request, ReplayContent? body, CancellationToken cancellationToken) =>
        await fallback.InsteadAsync(state, end, body, cancellationToken) switch
        {
            FallbackChoice.OtherBackend => await SendToBackendAsync(request, body, cancellationToken),
            FallbackChoice.StaticResponse => Replace(end, fallback.CreateResponse(request)),
            _ => end,
        };

    private bool MayRetry(
        RouteRuleModel rule, ServiceState service, ReplayContent? body, int attempt, RetryCause cause, HttpResponseMessage? response, out TimeSpan delay)
    {
        delay = TimeSpan.Zero;
        var undelivered = cause.Kind == RetryCauseKind.Undelivered;
        if (attempt >= rule.Retry.MaxRetries(undelivered)
            || !rule.Retry.MayResend(state.Context.Request, cause)
            || body is { CanReplay: false })
        {
            return false;
        }

        delay = rule.Retry.Backoff(attempt + 1, settings.Random);
        if (!undelivered && response is not null && WaitAskedFor(response) is { } asked && asked > delay)
        {
            delay = asked;
        }

        // Past the deadline there is no retry; nor while everyone else fails fast.
        if (delay >= state.AnswerBy.Remaining(settings.Time.GetTimestamp()) || service.Circuit is { State: CircuitState.Open })
        {
            return false;
        }

        if (!service.Budget.TryWithdraw())
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
