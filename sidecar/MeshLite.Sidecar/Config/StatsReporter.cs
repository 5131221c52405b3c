using MeshLite.Protocol.V1;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// Tells the control plane what it asked for: who calls this workload without mTLS. Everything at once when it asks, then only what changed, at most once an
/// interval; nothing on a request's path. Told of requests by the stream's loop, run by one loop of its own.
/// </summary>
internal sealed class StatsReporter(PlaintextCallers callers, Action<SidecarMessage> send, TimeProvider time)
{
    /// <value>Callers told, the newest. 32.</value>
    public const int MaxCallers = 32;

    /// <value>Between looks whether something changed. 2 s.</value>
    public static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private TimeSpan? _interval;
    private long? _sentAt;
    private long _told;

    /// <summary>The control plane asks; null: its stream has ended, and nobody does.</summary>
    public void Asked(StatsRequest? request)
    {
        lock (_lock)
        {
            _interval = request?.Interval?.ToTimeSpan() is { } interval && interval > TimeSpan.Zero ? interval : null;
            if (_interval is not null)
            {
                Tell_NeedsLock();
                // What changes first after that need not wait.
                _sentAt = null;
            }
        }
    }

    /// <summary>Looks for changes until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(LookInterval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            Look();
        }
    }

    /// <summary>Tells what changed, where it is time.</summary>
    internal void Look()
    {
        lock (_lock)
        {
            if (_interval is { } interval && callers.Noted != _told && (_sentAt is not { } sent || time.GetElapsedTime(sent) >= interval))
            {
                Tell_NeedsLock();
            }
        }
    }

    private void Tell_NeedsLock()
    {
        // Before they are read: what comes meanwhile is told next time.
        _told = callers.Noted;
        _sentAt = time.GetTimestamp();
        var stats = new Stats { Clock = time.GetUtcNow().ToUnixTimeMilliseconds(), CountingSince = callers.Since.ToUnixTimeSeconds() };
        stats.PlaintextCallers.AddRange(callers.Newest.Take(MaxCallers).Select(c => new Protocol.V1.PlaintextCaller
        {
            Address = c.Address.ToString(), Connections = (ulong)c.Connections, Refused = (ulong)c.Refused, Last = c.Last.ToUnixTimeSeconds(),
        }));
        send(new SidecarMessage { Stats = stats });
    }
}
