using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Resilience.Timeouts;

/// <summary>
/// The bounds of one request, both directions: the rule's and the caller's (which only shortens), and where neither says
/// anything 60 s to the response's headers. Arms the timer of <see cref="RequestState"/>. Stateless.
/// </summary>
internal static class RequestDeadline
{
    /// <value>Without any policy no call is unbounded. 60 s to the response's headers (design.md §3).</value>
    public static readonly TimeSpan ToHeaders = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Begins to count, from the request's arrival. <paramref name="timeout"/> null: nobody has said anything; zero: no bound.
    /// The error: time is up already.
    /// </summary>
    public static ProxyError? Begin(RequestState state, TimeSpan? timeout)
    {
        var time = state.Time;
        var rule = timeout is { } bound && bound > TimeSpan.Zero ? Deadline.After(time, state.Started, bound, DeadlineSource.Rule) : Deadline.None;
        state.Deadline = Deadline.Earlier(rule, OfCaller(state));
        state.AnswerBy = timeout is null ? Deadline.Earlier(state.Deadline, Deadline.After(time, state.Started, ToHeaders, DeadlineSource.Rule)) : state.Deadline;
        var now = time.GetTimestamp();
        if (state.AnswerBy.HasPassed(now))
        {
            return TimedOut(undelivered: true);
        }

        state.StartTimeout(now, state.AnswerBy.Remaining(now));
        return null;
    }

    /// <summary>
    /// As <see cref="Begin"/>, towards the application. A peer sidecar bounds its own requests, by a rule that may allow them longer
    /// than what holds without one; nobody has done so for who comes without.
    /// </summary>
    public static ProxyError? BeginInbound(RequestState state) => Begin(state, state.Connection.Peer is null ? null : TimeSpan.Zero);

    /// <summary>The response's headers are there: from now on only what somebody has asked for bounds it, and its one attempt.</summary>
    public static void OnAnswered(RequestState state, TimeSpan attemptLeft)
    {
        var now = state.Time.GetTimestamp();
        var left = state.Deadline.Remaining(now);
        state.AttemptBound = attemptLeft < left;
        state.StartTimeout(now, attemptLeft < left ? attemptLeft : left);
    }

    /// <summary>The error of a request whose time is up.</summary>
    public static ProxyError TimedOut(bool undelivered = false) =>
        new(ErrorReason.RequestTimeout, ErrorSource.Upstream, "The request was not answered in time.", undelivered);

    private static Deadline OfCaller(RequestState state)
    {
        var headers = state.Context.Request.Headers;
        var deadline = Deadline.None;
        if (headers.TryGetValue(MeshHeaders.Timeout, out var own))
        {
            deadline = Parse(state, own.ToString());
        }

        return headers.TryGetValue(MeshHeaders.GrpcTimeout, out var grpc) ? Deadline.Earlier(deadline, Parse(state, grpc.ToString())) : deadline;
    }

    private static Deadline Parse(RequestState state, string value) =>
        TimeoutHeader.TryParse(value, out var timeout) ? Deadline.After(state.Time, state.Started, timeout, DeadlineSource.Caller) : Deadline.None;
}
