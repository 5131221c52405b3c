using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The client YARP sends an inbound request by, to the application: once, and again where it refused the connection, or where
/// a kept-alive connection turned out to be dead and the request may be sent twice. A response, whatever its status, is passed
/// on: whether to send again because of it is the caller's sidecar's to decide, which may choose another endpoint; both
/// deciding would multiply the load on a service that fails. Belongs to one <see cref="RequestState"/> and is reused with it; made by <see cref="LocalApplication"/>.
/// </summary>
internal sealed class ApplicationInvoker(RequestState state, HttpMessageHandler connections, RetryBudget budget, AttemptSettings settings) : HttpMessageInvoker(connections, disposeHandler: false)
{
    /// <summary>Whose connections these are.</summary>
    public HttpMessageHandler Connections { get; } = connections;

    /// <inheritdoc/>
    public override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var body = request.Content as ReplayContent;
        budget.Deposit();
        for (var attempt = 0; ; attempt++)
        {
            state.AttemptCount++;
            state.UpstreamStarted = settings.Time.GetTimestamp();
            if (!state.Deadline.IsNone)
            {
                TimeoutHeader.Set(request, ErrorResponder.IsGrpc(state.Context.Request), state.Deadline.Remaining(state.UpstreamStarted));
            }

            try
            {
                var response = await base.SendAsync(request, cancellationToken);
                state.UpstreamAnswered = settings.Time.GetTimestamp();
                body?.Commit();
                RequestDeadline.OnAnswered(state, TimeSpan.MaxValue);
                return response;
            }
            catch (Exception e) when (e is HttpRequestException or IOException && MayRetry(body, attempt, e))
            {
                settings.Retries?.Inbound(e);
            }
            catch (Exception)
            {
                body?.Commit();
                throw;
            }

            await Task.Delay(RetryPolicy.Default.Backoff(attempt + 1, settings.Random), settings.Time, cancellationToken);
        }
    }

    private bool MayRetry(ReplayContent? body, int attempt, Exception e)
    {
        if (attempt >= RetryPolicy.UndeliveredRetries || state.Context.RequestAborted.IsCancellationRequested || state.TimedOut || body is { BrokeOff: true })
        {
            return false;
        }

        var error = ForwardErrors.FromSend(e);
        var isStale = ForwardErrors.IsStaleConnection(e);
        var cause = error.Undelivered ? RetryCause.Undelivered : RetryCause.Reset;
        return (error.Undelivered || isStale)
            && RetryPolicy.Default.MayResend(state.Context.Request, cause)
            && CanSendBodyAgain(body, unread: error.Undelivered && !isStale)
            && budget.TryWithdraw()
            && (body is null || body.TryRelease());
    }

    /// <summary>A body that is not wrapped for replay was read by nobody where there was no connection to write it to.</summary>
    private bool CanSendBodyAgain(ReplayContent? body, bool unread) =>
        body is not null ? body.CanReplay : unread || state.RequestBytes == 0;
}
