using MeshLite.Hosting;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Lifecycle;

/// <summary>
/// Going away without losing a request (design.md §3, Draining): the control plane takes this endpoint out of
/// rotation, connections are asked to end, the listeners stay open and serve what still arrives, until all is
/// quiet or the time is up. Asked for by SIGTERM and by <c>POST /drain</c>; the first to ask starts it.
/// </summary>
internal sealed class Draining(ConnectionTracker connections, Outbox outbox, Readiness readiness, TimeProvider time, ILogger<Draining> log)
{
    /// <value>Longest drain. 30 s.</value>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <value>
    /// Shortest drain, for callers that have not heard yet and are just connecting. 500 ms: ten times the target for a
    /// change to reach every sidecar.
    /// </value>
    public static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private Task? _drained;

    /// <summary>Completes when drained. Thread-safe; starts once.</summary>
    public Task DrainAsync()
    {
        lock (_lock)
        {
            return _drained ??= RunAsync();
        }
    }

    private async Task RunAsync()
    {
        var started = time.GetTimestamp();
        LifecycleLog.Draining(log, connections.Count);
        readiness.SetUnready("draining");
        outbox.ReportHealth(ready: false, draining: true);
        connections.Drain();
        connections.DrainSilent();
        var silentAt = Grace;
        while (time.GetElapsedTime(started) is var elapsed && elapsed < Limit && (elapsed < Grace || connections.Count > 0))
        {
            if (elapsed >= silentAt)
            {
                connections.DrainSilent();
                silentAt += Grace;
            }

            await Task.Delay(Look, time);
        }

        LifecycleLog.Drained(log, time.GetElapsedTime(started).TotalSeconds, connections.Count);
    }
}
