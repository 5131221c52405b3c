using MeshLite.Kubernetes.Leadership;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Kubernetes.Tests.Leadership;

/// <summary>
/// One that takes part in an election, with a clock and a network of its own; says when, in true time, it led. What follows a cancelled wait runs on other threads.
/// </summary>
internal sealed class Replica
{
    private readonly Lock _lock = new();
    private readonly ManualTimeProvider _truth;
    private readonly List<(DateTimeOffset From, DateTimeOffset? To)> _terms = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly BadNetwork _network;
    private Task _running = Task.CompletedTask;
    private bool _isDead;

    public Replica(FakeApiServer server, ManualTimeProvider truth, int seed, TimeSpan offset = default, double speed = 1)
    {
        var random = new LockedRandom(seed);
        _truth = truth;
        var time = new SkewedTime(truth, offset, speed);
        BadNetwork? network = null;
        var client = server.CreateClient(time, handler => network = new BadNetwork(handler, truth, random));
        _network = network!;
        Elector = new LeaderElector(client, new LeaderElectionOptions { Lease = Lease, Identity = "replica" }, time, random, Logger);
    }

    /// <summary>The Lease of all.</summary>
    public static ObjectKey Lease { get; } = new("default", "leader");

    public LeaderElector Elector { get; }

    public RecordingLogger Logger { get; } = new();

    public BadNetwork Network => _network;

    /// <summary>Ends what it does as leader, by itself.</summary>
    public TaskCompletionSource Work { get; set; } = new();

    public bool IsLeading
    {
        get
        {
            lock (_lock)
            {
                return IsLeading_NeedsLock;
            }
        }
    }

    /// <summary>From when to when it led; an end that is not yet is null.</summary>
    public IReadOnlyList<(DateTimeOffset From, DateTimeOffset? To)> Terms
    {
        get
        {
            lock (_lock)
            {
                return [.. _terms];
            }
        }
    }

    private bool IsLeading_NeedsLock => _terms.Count > 0 && _terms[^1].To is null;

    public bool HasStopped => _running.IsCompleted;

    public void Start() => _running = Elector.RunAsync(LeadAsync, _stop.Token);

    public void Stop() => _stop.Cancel();

    /// <summary>Dies in the middle of whatever it does.</summary>
    public void Crash()
    {
        _network.IsCut = true;
        lock (_lock)
        {
            End_NeedsLock();
            _isDead = true;
        }
    }

    private async Task LeadAsync(CancellationToken token)
    {
        lock (_lock)
        {
            if (!_isDead && !token.IsCancellationRequested)
            {
                _terms.Add((_truth.GetUtcNow(), null));
            }
        }

        await using var end = token.Register(End);
        await Task.WhenAny(Work.Task, Task.Delay(Timeout.InfiniteTimeSpan, _truth, token));
        End();
    }

    private void End()
    {
        lock (_lock)
        {
            End_NeedsLock();
        }
    }

    private void End_NeedsLock()
    {
        if (IsLeading_NeedsLock && !_isDead)
        {
            _terms[^1] = (_terms[^1].From, _truth.GetUtcNow());
        }
    }
}
