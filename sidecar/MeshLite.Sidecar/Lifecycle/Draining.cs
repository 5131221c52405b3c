using MeshLite.Hosting;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Lifecycle;

/// <summary>
/// Going away without losing a request (design.md §3, Draining): first the control plane takes this endpoint out of
/// rotation, while everything is served as ever; then connections are asked to end, and the listeners serve what still
/// arrives, until all is quiet or the time is up. Asked for by SIGTERM and by <c>POST /drain</c>; the first to ask starts it.
/// </summary>
internal sealed class Draining(ConnectionTracker connections, Outbox outbox, Readiness readiness, TimeProvider time, ILogger<Draining> log)
{
    /// <value>Longest drain. 30 s.</value>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <value>
    /// How long connections are left alone. 500 ms: ten times the target for a change to reach every sidecar. Asked to
    /// end at once, callers that have not heard yet would only open new ones, a handshake for every few requests.
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
        await Task.Delay(Grace, time);
        connections.Drain();
        connections.DrainSilent();
        var silentAt = 2 * Grace;
        while (time.GetElapsedTime(started) is var elapsed && elapsed < Limit && connections.Count > 0)
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
