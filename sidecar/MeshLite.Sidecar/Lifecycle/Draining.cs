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

    /// <value>Longest wait for those accepted last. 2 s.</value>
    public static readonly TimeSpan FinishLimit = TimeSpan.FromSeconds(2);

    /// <value>Between accepting a connection and its being counted lies its handshake. 100 ms.</value>
    private static readonly TimeSpan LastLook = TimeSpan.FromMilliseconds(100);

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

    /// <summary>
    /// After the ports are closed: whoever was accepted in the last moment is served too, rather than reset with a request
    /// under way of which nobody could say whether it was delivered.
    /// </summary>
    public async Task FinishAsync()
    {
        var started = time.GetTimestamp();
        do
        {
            await Task.Delay(LastLook, time);
            connections.DrainSilent();
        }
        while (connections.Count > 0 && time.GetElapsedTime(started) < FinishLimit);
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
