using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// Whether a request may go to its backend's Service now, in this order: rate limit (what may not begin counts nowhere else),
/// circuit (fail fast before waiting for a place), concurrency. <see cref="Leave"/> follows every request that was let in.
/// Costs a request that meets no limit one interlocked addition. Stateless: the state is the Service's.
/// </summary>
internal static class Admission
{
    /// <summary>
    /// Lets the request in (<see cref="RequestState.Admitted"/>), or says why not; neither, where its caller left meanwhile. May wait,
    /// within the request's time, where the policy has a queue.
    /// </summary>
    public static ValueTask<ProxyError?> EnterAsync(RequestState state, CancellationToken cancellationToken)
    {
        var backend = state.Backend!;
        if (backend.Config.Missing)
        {
            return ValueTask.FromResult<ProxyError?>(new ProxyError(ErrorReason.DestinationUnknown, ErrorSource.Mesh,
                $"The rule '{state.Rule!.Name}' names '{backend.Name}', which does not exist.", Undelivered: true));
        }

        var service = backend.Pool.State;
        if (service.RateLimit is { } limit && !limit.TryTake(out var wait))
        {
            return ValueTask.FromResult<ProxyError?>(new ProxyError(ErrorReason.RateLimited, ErrorSource.Mesh,
                $"'{backend.Config.Service}' may be called {service.Policy.RateLimit?.RequestsPerSecond} times a second.", Undelivered: true) { RetryAfter = wait });
        }

        var isProbe = false;
        var circuit = service.Circuit;
        if (circuit is not null && !circuit.TryEnter(out isProbe, out wait))
        {
            return ValueTask.FromResult<ProxyError?>(new ProxyError(ErrorReason.CircuitOpen, ErrorSource.Mesh,
                $"'{backend.Config.Service}' has been failing and is not called for now.", Undelivered: true) { RetryAfter = wait });
        }

        state.Circuit = circuit;
        state.IsCircuitProbe = isProbe;
        var hasPlace = service.Concurrency.TryAcquire();
        return hasPlace || service.Policy.Concurrency.MaxQueued == 0
            ? ValueTask.FromResult(Entered(state, backend, service, hasPlace))
            : WaitAsync(state, backend, service, cancellationToken);
    }

    /// <summary>What <see cref="EnterAsync"/> let in has ended, one way or another.</summary>
    public static void Leave(RequestState state)
    {
        if (state.Admitted is not { } service)
        {
            return;
        }

        state.Admitted = null;
        service.Concurrency.Release();
        Judge(state, AttemptOutcome.Neutral);
    }

    /// <summary>
    /// What the last attempt says of the destination, as soon as it is known: a response may take hours to pass, and nobody
    /// should wait for a probe's. The first word counts.
    /// </summary>
    public static void Judge(RequestState state, AttemptOutcome outcome)
    {
        state.Circuit?.Record(outcome, state.IsCircuitProbe);
        state.Circuit = null;
        state.IsCircuitProbe = false;
    }

    private static async ValueTask<ProxyError?> WaitAsync(RequestState state, BackendModel backend, ServiceState service, CancellationToken cancellationToken)
    {
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, state.Timeout);
            return Entered(state, backend, service, await service.Concurrency.AcquireAsync(either.Token));
        }
        catch (OperationCanceledException)
        {
            Judge(state, AttemptOutcome.Neutral);
            return state.TimedOut ? RequestDeadline.TimedOut(undelivered: true) : null;
        }
    }

    private static ProxyError? Entered(RequestState state, BackendModel backend, ServiceState service, bool hasPlace)
    {
        if (hasPlace)
        {
            state.Admitted = service;
            return null;
        }

        Judge(state, AttemptOutcome.Neutral);
        return new ProxyError(ErrorReason.Overloaded, ErrorSource.Mesh,
            $"{service.Policy.Concurrency.MaxRequests} requests to '{backend.Config.Service}' are under way already.", Undelivered: true);
    }
}
