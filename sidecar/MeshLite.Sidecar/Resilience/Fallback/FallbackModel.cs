using System.Net;
using System.Text;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Resilience.Fallback;

/// <summary>
/// What a rule answers when its backend can't: no endpoint, an open circuit, a full bulkhead, a failed or late attempt, a
/// response that counts as a failure; after all retries. A response of the mesh's own, or another backend, to which only what may be
/// sent twice goes a second time. The failure stays visible as the reason in metrics and logs. Immutable; one per rule.
/// </summary>
internal sealed class FallbackModel(FallbackConfig config)
{
    /// <summary>The mesh's own response; null: another backend answers.</summary>
    public StaticResponseConfig? Response => config.Response;

    /// <summary>Whether the backend can't serve. That a caller asks too much, or a route fails it on purpose, is for it to know.</summary>
    public static bool Covers(ProxyError error) =>
        error.Source != ErrorSource.Downstream && error.Reason is not (ErrorReason.NoRoute or ErrorReason.FaultInjected or ErrorReason.RateLimited);

    /// <summary>
    /// The backend did not let the request in: it was not sent, so another may have it. True: the other one let it in.
    /// </summary>
    public ValueTask<bool> TryOtherBackendAsync(RequestState state, ProxyError error, CancellationToken cancellationToken) =>
        config.Backend is { } index && !state.FellBack && Covers(error) ? MoveAsync(state, index, error, cancellationToken) : ValueTask.FromResult(false);

    /// <summary>What to do instead of passing on a failed end. The request has moved already where another backend is the answer.</summary>
    public async ValueTask<FallbackChoice> InsteadAsync(RequestState state, AttemptEnd end, ReplayContent? body, CancellationToken cancellationToken)
    {
        if (config.Response is not null)
        {
            if (end.Response is null)
            {
                return FallbackChoice.None; // the pipeline answers what has no response
            }

            state.Masked = Reason(end);
            return FallbackChoice.StaticResponse;
        }

        if (state.FellBack || cancellationToken.IsCancellationRequested || !MayMove(state, end) || (body is not null && !body.TryRelease()))
        {
            return FallbackChoice.None;
        }

        Admission.Judge(state, end.Outcome);
        Admission.Leave(state);
        if (!await MoveAsync(state, config.Backend!.Value, Reason(end), cancellationToken))
        {
            return FallbackChoice.None;
        }

        end.Response?.Dispose();
        return FallbackChoice.OtherBackend;
    }

    /// <summary>Answers a request that got no response.</summary>
    public Task RespondAsync(HttpContext context)
    {
        var (status, contentType, text) = config.Response!;
        var response = context.Response;
        response.Clear();
        response.StatusCode = status;
        var body = Encoding.UTF8.GetBytes(text);
        response.ContentLength = body.Length;
        if (contentType.Length > 0)
        {
            response.ContentType = contentType;
        }

        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : response.BodyWriter.WriteAsync(body).AsTask();
    }

    /// <summary>As if the backend had answered it.</summary>
    public HttpResponseMessage CreateResponse(HttpRequestMessage request)
    {
        var response = config.Response!;
        var body = Encoding.UTF8.GetBytes(response.Body);
        var content = new ByteArrayContent(body) { Headers = { ContentLength = body.Length } };
        if (response.ContentType.Length > 0)
        {
            content.Headers.TryAddWithoutValidation("Content-Type", response.ContentType);
        }

        return new HttpResponseMessage((HttpStatusCode)response.Status) { Content = content, RequestMessage = request };
    }

    private static bool MayMove(RequestState state, AttemptEnd end) =>
        end.Cause?.Kind == RetryCauseKind.Undelivered || state.Rule!.Retry.MayResend(state.Context.Request, RetryCause.Reset);

    private static async ValueTask<bool> MoveAsync(RequestState state, int index, ProxyError error, CancellationToken cancellationToken)
    {
        var from = state.Backend;
        state.Backend = state.Destination!.Backends[index];
        state.FellBack = true;
        if (await Admission.EnterAsync(state, cancellationToken) is not null || state.Admitted is null)
        {
            state.Backend = from;
            return false;
        }

        state.Masked = error;
        return true;
    }

    /// <summary>What it was in the mesh's words: its own, or the peer's; of an application's response there is only this one.</summary>
    private static ProxyError Reason(AttemptEnd end)
    {
        if (end.Error is { } error)
        {
            return error;
        }

        var reason = end.Response?.Headers.NonValidated.TryGetValues(MeshHeaders.Error, out var values) == true
            && ErrorReasons.TryParse(values.ToString(), out var peers) ? peers
            : end.Response is null ? ErrorReason.RequestTimeout : ErrorReason.ProtocolError;
        return new ProxyError(reason, ErrorSource.Upstream, end.Response is { } response ? $"The backend answered {(int)response.StatusCode}." : "The backend did not answer.");
    }
}

/// <summary>What a fallback does.</summary>
internal enum FallbackChoice
{
    /// <summary>Nothing: the failure is the answer.</summary>
    None,

    /// <summary>The request has moved to another backend, where it is to be sent.</summary>
    OtherBackend,

    /// <summary>The mesh answers.</summary>
    StaticResponse,
}
