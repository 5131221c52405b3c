using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Concurrency;
using MeshLite.Sidecar.Resilience.RateLimit;

namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// What this pod takes: so many requests a second from each caller, so many at once from all. Its settings come with the
/// workload's own configuration; a change keeps the counts. One per program; <see cref="Apply"/> by the configuration loop,
/// the rest by requests.
/// </summary>
internal sealed class InboundLimits(TimeProvider time)
{
    private readonly CallerRateLimiter _callers = new([], time);
    private readonly ConcurrencyLimiter _concurrency = new(new ConcurrencyConfig(), time);
    private volatile int _maxRequests = new ConcurrencyConfig().MaxRequests;

    /// <summary>Requests under way.</summary>
    public int InUse => _concurrency.InUse;

    /// <summary>Puts the workload's settings in force.</summary>
    public void Apply(WorkloadConfig workload)
    {
        _callers.Update(workload.RateLimits);
        if (workload.MaxRequests != _maxRequests)
        {
            _maxRequests = workload.MaxRequests;
            _concurrency.Update(new ConcurrencyConfig { MaxRequests = workload.MaxRequests });
        }
    }

    /// <summary>Lets a request in, to be followed by <see cref="Leave"/>; or says why not: then the application has not seen it.</summary>
    public ProxyError? Enter(RequestState state)
    {
        var connection = state.Connection;
        if (!_callers.TryTake(connection.Peer is { } peer ? connection.PeerId ??= peer.ToString() : null, out var wait))
        {
            return new ProxyError(ErrorReason.RateLimited, ErrorSource.Downstream, "This caller sends more requests than the policy allows it.") { RetryAfter = wait };
        }

        // Without a queue the answer is there at once.
        return _concurrency.AcquireAsync(CancellationToken.None).Result
            ? null
            : new ProxyError(ErrorReason.Overloaded, ErrorSource.Mesh, $"This workload is serving {_maxRequests} requests already.", Undelivered: true);
    }

    /// <summary>A request that was let in has ended.</summary>
    public void Leave() => _concurrency.Release();
}
