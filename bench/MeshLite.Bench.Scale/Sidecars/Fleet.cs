using System.Collections.Concurrent;
using MeshLite.Bench.Scale.Cluster;
using MeshLite.Bench.Scale.Measure;
using MeshLite.Model;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>All simulated sidecars of a run, and what they report. Thread-safe but for making it.</summary>
internal sealed class Fleet
{
    /// <summary>Number of the Service everybody subscribes to.</summary>
    public const int HotService = 0;

    /// <summary>
    /// How many connect at the same time: these share this process's CPU, and ten thousand handshakes begun at once would measure
    /// how they wait for each other here.
    /// </summary>
    private const int ConnectingAtOnce = 256;

    private readonly int[] _subscribers;
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private volatile LatencyLog _configured = new();
    private int _configuredCount;
    private int _round;

    /// <param name="pods">One for each sidecar.</param>
    /// <param name="stuck">How many of them, the last, never acknowledge.</param>
    /// <param name="settings">How much they subscribe to.</param>
    /// <param name="svids">Signs their certificates.</param>
    /// <param name="dial">Their way to the control plane.</param>
    /// <param name="tracker">Is told what they acknowledge.</param>
    /// <param name="time">Clock.</param>
    public Fleet(IReadOnlyList<SimulatedPod> pods, int stuck, ScaleSettings settings, SvidFactory svids, ControlPlaneDial dial, ChangeTracker tracker, TimeProvider time)
    {
        (Dial, Tracker, Time) = (dial, tracker, time);
        // The same sidecars want the same in each run.
        var random = new Random(pods.Count);
        _subscribers = new int[settings.Services];
        Sidecars = [.. pods.Select((pod, i) => new SimulatedSidecar(
            pod, svids.Issue(new SpiffeId("cluster.local", SimulatedCluster.Namespace, $"s{pod.Service}")), Draw(random, settings), i >= pods.Count - stuck, this))];
        foreach (var service in Sidecars.Where(s => !s.IsStuck).SelectMany(s => s.Services))
        {
            _subscribers[service]++;
        }
    }

    public IReadOnlyList<SimulatedSidecar> Sidecars { get; }

    /// <summary>Held from opening a connection until all that was asked for is acknowledged.</summary>
    public SemaphoreSlim Connecting { get; } = new(ConnectingAtOnce);

    public ControlPlaneDial Dial { get; }

    public ChangeTracker Tracker { get; }

    public TimeProvider Time { get; }

    /// <summary>Sidecars that acknowledge.</summary>
    public IEnumerable<SimulatedSidecar> Healthy => Sidecars.Where(s => !s.IsStuck);

    /// <summary>Sidecars that acknowledged all they asked for, each counted once since <see cref="BeginConnects"/>.</summary>
    public int ConfiguredCount => Volatile.Read(ref _configuredCount);

    /// <summary>Counts the calls of <see cref="BeginConnects"/>.</summary>
    public int Round => Volatile.Read(ref _round);

    /// <summary>From opening a connection to acknowledging the last destination asked for.</summary>
    public LatencyLog ConnectLog => _configured;

    /// <summary>Streams of sidecars that acknowledge and ended all the same, by reason.</summary>
    public IReadOnlyDictionary<string, int> Failures => _failures;

    /// <summary>How many acknowledge what this Service does.</summary>
    public int SubscribersOf(int service) => _subscribers[service];

    /// <summary>Connects count from now.</summary>
    public void BeginConnects()
    {
        _configured = new LatencyLog();
        Volatile.Write(ref _configuredCount, 0);
        Interlocked.Increment(ref _round);
    }

    internal void Configured(TimeSpan after, bool isFirst)
    {
        _configured.Add(after);
        if (isFirst)
        {
            Interlocked.Increment(ref _configuredCount);
        }
    }

    internal void StreamEnded(SimulatedSidecar sidecar, Exception? failure)
    {
        if (failure is not null && !sidecar.IsStuck)
        {
            _failures.AddOrUpdate(failure.Message, 1, (_, n) => n + 1);
        }
    }

    private static List<int> Draw(Random random, ScaleSettings settings)
    {
        var services = new HashSet<int> { HotService };
        var count = random.Next(settings.Subscriptions.Fewest, settings.Subscriptions.Most + 1);
        while (services.Count < count)
        {
            services.Add(random.Next(settings.Services));
        }

        return [.. services];
    }
}
