using MeshLite.Model;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Resilience.Fault;

/// <summary>
/// Faults made on purpose, by a rule's filter: a share of the requests waits, a share is answered with an error; drawn
/// independently, the wait first. Thread-safe if the random source is.
/// </summary>
internal sealed class FaultInjector(Random random, TimeProvider time)
{
    /// <summary>Waits and decides. The error: this request is to fail. A caller that leaves, or a deadline that passes, ends the wait.</summary>
    public ValueTask<ProxyError?> ApplyAsync(FaultConfig fault, CancellationToken cancellationToken)
    {
        var delayed = fault.Delay > TimeSpan.Zero && IsChosen(fault.DelayPercent);
        var aborted = fault.AbortStatus != 0 && IsChosen(fault.AbortPercent)
            ? new ProxyError(ErrorReason.FaultInjected, ErrorSource.Mesh, "A route makes this request fail on purpose.") { Status = fault.AbortStatus }
            : null;
        return delayed ? DelayAsync(fault.Delay, aborted, cancellationToken) : ValueTask.FromResult(aborted);
    }

    private async ValueTask<ProxyError?> DelayAsync(TimeSpan delay, ProxyError? then, CancellationToken cancellationToken)
    {
        await Task.Delay(delay, time, cancellationToken);
        return then;
    }

    private bool IsChosen(double percent) => percent > 0 && random.NextDouble() * 100 < percent;
}
