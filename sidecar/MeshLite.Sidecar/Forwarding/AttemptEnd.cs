using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using MeshLite.Model;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Resilience.Timeouts;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// How one send ended: the response or the exception, and what follows from it. Made by <see cref="Of(RequestState, FailureCodes, HttpResponseMessage, AttemptTime)"/> and
/// <see cref="Of(RequestState, Exception, AttemptTime, ReplayContent)"/>, which are the one judgement of attempts. A value.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AttemptEnd
{
    private const int GrpcDeadlineExceeded = 4;
    private const int GrpcUnavailable = 14;

    /// <summary>What was answered; null: nothing.</summary>
    public HttpResponseMessage? Response { get; init; }

    /// <summary>Why nothing was.</summary>
    public Exception? Exception { get; init; }

    /// <summary>The same in the mesh's words; null where YARP or the caller knows better.</summary>
    public ProxyError? Error { get; init; }

    /// <summary>Why another attempt may be worth it; null: it is not.</summary>
    public RetryCause? Cause { get; init; }

    /// <summary>What it says of who it was sent to.</summary>
    public AttemptOutcome Outcome { get; init; }

    /// <summary>Who it was sent to.</summary>
    public EndpointState? Endpoint { get; init; }

    /// <summary>When; timestamps.</summary>
    public long Started { get; init; }

    /// <inheritdoc cref="Started"/>
    public long Answered { get; init; }

    /// <summary>What is left of the attempt's own time; <see cref="TimeSpan.MaxValue"/>: it has none.</summary>
    public TimeSpan TimeLeft { get; init; }

    /// <summary>Neutral, but as slow as it has been: it lost to a hedge.</summary>
    public bool TookItsTime { get; init; }

    /// <summary>The caller would rather have something else than this. An application's 404 is an answer, even where a rule sends it again.</summary>
    public bool Failed => Response is null || Outcome == AttemptOutcome.Failure;

    /// <summary>Of a response's head.</summary>
    public static AttemptEnd Of(RequestState state, FailureCodes failures, HttpResponseMessage response, AttemptTime time)
    {
        if (time.EndsBefore(state.Deadline) && SaysTimeIsUp(response))
        {
            // The bound travelled, and the peer's clock was quicker than this one.
            response.Dispose();
            return OfTimeUp(new TimeoutException("the peer says that time is up"), time);
        }

        var status = (int)response.StatusCode;
        if (response.Headers.NonValidated.Contains(MeshHeaders.Undelivered))
        {
            return new AttemptEnd { Response = response, Cause = RetryCause.Undelivered, Outcome = FailureOf(state, response) };
        }

        if (status == (int)HttpStatusCode.OK && GrpcStatus(response) is { } grpc)
        {
            // Of a call that fails before its first message (gRPC "Trailers-Only"); later there is nothing to try again.
            return new AttemptEnd
            {
                Response = response,
                Cause = grpc == 0 ? null : RetryCause.GrpcStatus(grpc),
                Outcome = grpc == GrpcUnavailable || (grpc == GrpcDeadlineExceeded && IsOfTheMesh(response)) ? FailureOf(state, response) : AttemptOutcome.Success,
            };
        }

        return new AttemptEnd
        {
            Response = response,
            Cause = status >= 400 ? RetryCause.Status(status) : null,
            Outcome = failures.Contains(status) ? FailureOf(state, response) : AttemptOutcome.Success,
        };
    }

    /// <summary>Of an exception.</summary>
    public static AttemptEnd Of(RequestState state, Exception exception, AttemptTime time, ReplayContent? body)
    {
        if (state.Context.RequestAborted.IsCancellationRequested)
        {
            return new AttemptEnd { Exception = exception, Outcome = AttemptOutcome.Neutral };
        }

        if (state.TimedOut)
        {
            return new AttemptEnd { Exception = exception, Outcome = IsCallers(state.AnswerBy) ? AttemptOutcome.Neutral : AttemptOutcome.Failure };
        }

        if (time.IsOver)
        {
            return OfTimeUp(exception, time);
        }

        if (exception is OperationCanceledException)
        {
            // Nothing moved for too long: whose fault, only a body that has been sent whole tells.
            return new AttemptEnd { Exception = exception, Outcome = body is null or { IsRead: true } ? AttemptOutcome.Failure : AttemptOutcome.Neutral };
        }

        if (body is { BrokeOff: true })
        {
            return new AttemptEnd { Exception = exception, Outcome = AttemptOutcome.Neutral }; // the caller's doing
        }

        var error = ForwardErrors.FromSend(exception);
        return new AttemptEnd
        {
            Exception = exception,
            Error = error,
            Cause = error.Undelivered ? RetryCause.Undelivered : RetryCause.Reset,
            Outcome = AttemptOutcome.Failure,
        };
    }

    /// <summary>Of an attempt that another one overtook.</summary>
    public static AttemptEnd Lost(Exception exception) => new() { Exception = exception, Outcome = AttemptOutcome.Neutral, TookItsTime = true };

    private static int? GrpcStatus(HttpResponseMessage response) =>
        response.Headers.NonValidated.TryGetValues("grpc-status", out var values)
        && int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : null;

    /// <summary>A caller's deadline travels; when it passes, the peer may say so before this sidecar's own clock does: then nobody failed.</summary>
    private static AttemptOutcome FailureOf(RequestState state, HttpResponseMessage response) =>
        IsCallers(state.AnswerBy) && SaysTimeIsUp(response) ? AttemptOutcome.Neutral : AttemptOutcome.Failure;

    private static AttemptEnd OfTimeUp(Exception exception, AttemptTime time) => new()
    {
        Exception = exception,
        Error = new ProxyError(ErrorReason.AttemptTimeout, ErrorSource.Upstream, $"No answer within {time.Bound.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture)} ms."),
        Cause = RetryCause.AttemptTimeout,
        Outcome = AttemptOutcome.Failure,
    };

    private static bool SaysTimeIsUp(HttpResponseMessage response) =>
        IsOfTheMesh(response) && (response.StatusCode == HttpStatusCode.GatewayTimeout || GrpcStatus(response) == GrpcDeadlineExceeded);

    private static bool IsCallers(Deadline deadline) => !deadline.IsNone && deadline.Source == DeadlineSource.Caller;

    private static bool IsOfTheMesh(HttpResponseMessage response) => response.Headers.NonValidated.Contains(MeshHeaders.Error);
}
