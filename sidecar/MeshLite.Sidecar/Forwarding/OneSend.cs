using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Hedge;
using MeshLite.Sidecar.Resilience.Retry;
using MeshLite.Sidecar.Resilience.Timeouts;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// One send to one endpoint. <see cref="End"/> tells its load and health how it ended: as <see cref="Answered"/> or <see cref="Failed"/> say, or
/// <see cref="Unfinished"/>. Lives within one method, and touches nothing of the request's state.
/// </summary>
internal readonly struct OneSend(RequestState state, Picked<EndpointState> picked, ServiceState service, HedgeRace? race, CancellationToken cancellationToken)
{
    /// <summary>Says nothing of the endpoint.</summary>
    public static readonly AttemptEnd Unfinished = new() { Outcome = AttemptOutcome.Neutral };

    private readonly AttemptTime _time = new(state, state.Rule!.BackendRequestTimeout, cancellationToken);
    private readonly long _begun = picked.Endpoint!.Load.Begin();

    private EndpointState Endpoint => picked.Endpoint!;

    /// <summary>What <see cref="Failed"/> judges; other exceptions are mistakes of ours.</summary>
    public static bool IsFailure(Exception e) => e is HttpRequestException or IOException or OperationCanceledException;

    /// <summary>Sends.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => Endpoint.Connections.SendAsync(request, _time.Token);

    /// <summary>It ended with a response's head.</summary>
    public AttemptEnd Answered(HttpResponseMessage response) => Complete(AttemptEnd.Of(state, service.Policy.FailureCodes, response, _time));

    /// <summary>It ended with an exception.</summary>
    public AttemptEnd Failed(Exception e, ReplayContent? body) => Complete(
        race is not null && race.IsLost(cancellationToken)
            ? AttemptEnd.Lost(e)
            : AttemptEnd.Of(state, e, _time, body));

    /// <summary>Once, whatever happened.</summary>
    public void End(in AttemptEnd end)
    {
        EndLoad(in end);
        service.Ejector.Record(Endpoint.Health, end.Outcome, picked.IsProbe);
        _time.Dispose();
    }

    private AttemptEnd Complete(AttemptEnd end)
    {
        var now = state.Time.GetTimestamp();
        return end with { Endpoint = Endpoint, Started = _begun, Answered = end.Response is null ? 0 : now, TimeLeft = _time.Left(now) };
    }

    /// <summary>A failure that comes fast must not look like a fast endpoint; one that says nothing of it must not count.</summary>
    private void EndLoad(in AttemptEnd end)
    {
        switch (end.Outcome)
        {
            case AttemptOutcome.Failure when end.Response is null || end.Cause?.Kind == RetryCauseKind.Undelivered:
                Endpoint.Load.End(AttemptSettings.FailurePenalty);
                break;
            case AttemptOutcome.Neutral when !end.TookItsTime:
                Endpoint.Load.Abandon();
                break;
            default:
                Endpoint.Load.End(_begun);
                break;
        }
    }
}
