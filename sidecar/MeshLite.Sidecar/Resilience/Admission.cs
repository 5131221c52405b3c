using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// Whether a request may go to its backend's Service now, in this order: rate limit (what may not begin counts nowhere else),
/// circuit (fail fast before waiting for a place), concurrency. <see cref="Leave"/> follows every request that was let in.
/// Costs a request that meets no limit one interlocked addition. Stateless: the state is the Service's.
/// </summary>
internal static class Admission
{
    /// <summary>Lets the request in, or says why not. May wait where the policy has a queue.</summary>
    public static ValueTask<ProxyError?> EnterAsync(RequestState state, CancellationToken cancellationToken)
    {
        var backend = state.Backend!;
        var service = backend.Pool.State;
        if (service.RateLimit is { } limit && !limit.TryTake(out var wait))
        {
            return ValueTask.FromResult<ProxyError?>(new ProxyError(ErrorReason.RateLimited, ErrorSource.Mesh,
                $"'{backend.Config.Service}' may be called {service.Policy.RateLimit!.RequestsPerSecond} times a second.", Undelivered: true) { RetryAfter = wait });
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
        var place = service.Concurrency.AcquireAsync(cancellationToken);
        if (!place.IsCompletedSuccessfully)
        {
            return WaitAsync(state, backend, service, place);
        }

        return ValueTask.FromResult(Entered(state, backend, service, place.Result));
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
        state.Circuit?.Record(state.Outcome, state.IsCircuitProbe);
        state.Circuit = null;
    }

    private static async ValueTask<ProxyError?> WaitAsync(RequestState state, BackendModel backend, ServiceState service, ValueTask<bool> place)
    {
        var taken = false;
        try
        {
            taken = await place;
        }
        finally
        {
            if (!taken)
            {
                GiveProbeBack(state);
            }
        }

        return Entered(state, backend, service, taken);
    }

    private static ProxyError? Entered(RequestState state, BackendModel backend, ServiceState service, bool hasPlace)
    {
        if (hasPlace)
        {
            state.Admitted = service;
            return null;
        }

        GiveProbeBack(state);
        return new ProxyError(ErrorReason.Overloaded, ErrorSource.Mesh,
            $"{service.Policy.Concurrency.MaxRequests} requests to '{backend.Config.Service}' are under way already.", Undelivered: true);
    }

    private static void GiveProbeBack(RequestState state)
    {
        if (state.IsCircuitProbe)
        {
            state.IsCircuitProbe = false;
            state.Circuit?.Record(CircuitBreaker.AttemptOutcome.Neutral, isProbe: true);
        }
    }
}
