using MeshLite.Bench.Results;
using MeshLite.Bench.Scale.Cluster;
using MeshLite.Bench.Scale.Measure;
using MeshLite.Bench.Scale.Sidecars;
using MeshLite.Processes;

namespace MeshLite.Bench.Scale.Phases;

/// <summary>The phases of a run, one after the other; each begins with all sidecars connected but the first.</summary>
internal sealed class Phase(SimulatedCluster cluster, Fleet fleet, ControlPlaneProbe probe, ScaleSettings settings, TimeProvider time)
{
    /// <summary>How long acknowledgements are waited for after the last change.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    // Ten thousand handshakes, both ends of each on the same few cores.
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromMinutes(10);

    private const int PolicyChanges = 5;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>All connect at once.</summary>
    public async Task<PhaseResult> ConnectStormAsync()
    {
        await BeginAsync();
        foreach (var sidecar in fleet.Sidecars)
        {
            sidecar.Start();
        }

        await ConnectedAsync(fleet.Healthy.Count());
        return await EndAsync("connect storm", 0);
    }

    /// <summary>Nothing happens: what holding the streams costs.</summary>
    public async Task<PhaseResult> IdleAsync()
    {
        await BeginAsync();
        await Task.Delay(TimeSpan.FromSeconds(Math.Min(10, settings.ChurnSeconds)), time);
        return await EndAsync(ScaleResult.Idle, 0);
    }

    /// <summary>Endpoints cease to take calls, so many a second, none twice; then all come back, which does not count.</summary>
    public async Task<PhaseResult> EndpointChangesAsync()
    {
        await BeginAsync();
        // Of each Service a fifth at most: an endpoint must be missing where others are left.
        var pods = cluster.Pods.Take(Math.Min(settings.RatePerSecond * settings.ChurnSeconds, settings.Services * Math.Max(1, settings.PodsPerService / 5))).ToArray();
        await PacedAsync(pods.Length, i =>
        {
            fleet.Tracker.Announce($"{pods[i].Address}:{SimulatedCluster.PodPort}", fleet.SubscribersOf(pods[i].Service));
            cluster.SetReady(pods[i], ready: false);
        });
        await AcknowledgedAsync();
        var result = await EndAsync(ScaleResult.EndpointChanges, pods.Length);
        await PacedAsync(pods.Length, i => cluster.SetReady(pods[i], ready: true));
        return result;
    }

    /// <summary>The policy of a Service that everybody subscribes to changes, several times, each when the last has arrived.</summary>
    public async Task<PhaseResult> HotPolicyAsync()
    {
        await BeginAsync();
        for (var change = 1; change <= PolicyChanges; change++)
        {
            fleet.Tracker.Announce(Protocol.Mapping.ResourceKeys.Destination(SimulatedCluster.AuthorityOf(Fleet.HotService)), fleet.SubscribersOf(Fleet.HotService));
            cluster.PutPolicy(Fleet.HotService, 5 + change);
            await AcknowledgedAsync();
        }

        return await EndAsync("policy of a hot service", PolicyChanges);
    }

    /// <summary>Every pod with a sidecar is replaced by another, so many a second: its stream ends, its endpoint moves, a new stream begins.</summary>
    public async Task<PhaseResult> RollingRestartAsync()
    {
        await BeginAsync();
        var sidecars = fleet.Healthy.ToArray();
        await PacedAsync(sidecars.Length, async i =>
        {
            var sidecar = sidecars[i];
            await sidecar.StopAsync();
            // Who holds a stream just then gets the change; those between two streams do not, so nobody knows how many should.
            fleet.Tracker.Announce($"{sidecar.Pod.Address}:{SimulatedCluster.PodPort}", 0);
            cluster.Replace(sidecar.Pod);
            sidecar.Start();
        });
        await ConnectedAsync(sidecars.Length);
        return await EndAsync("rolling restart", sidecars.Length);
    }

    private async Task BeginAsync()
    {
        await probe.QuietAsync();
        fleet.Tracker.Begin();
        fleet.BeginConnects();
        await probe.BeginAsync();
    }

    private async Task<PhaseResult> EndAsync(string name, int changes)
    {
        var connects = fleet.ConnectLog.Figures();
        var result = new PhaseResult
        {
            Name = name,
            ControlPlane = await probe.EndAsync(),
            Changes = changes,
            ChangeToAck = changes > 0 ? fleet.Tracker.Log.Figures() : null,
            Missing = Math.Max(0, fleet.Tracker.Missing),
            Connect = connects.Count > 0 ? connects : null,
        };
        Console.WriteLine($"  {ScaleTable.Of(result)}");
        return result;
    }

    private Task PacedAsync(int count, Action<int> step) => PacedAsync(count, i =>
    {
        step(i);
        return Task.CompletedTask;
    });

    // Each step has its moment, computed from the beginning; one that is late is made up for.
    private async Task PacedAsync(int count, Func<int, Task> step)
    {
        var begin = time.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var early = TimeSpan.FromSeconds((double)i / settings.RatePerSecond) - time.GetElapsedTime(begin);
            if (early > TimeSpan.Zero)
            {
                await Task.Delay(early, time);
            }

            await step(i);
        }
    }

    private async Task ConnectedAsync(int count)
    {
        await UntilAsync(() => fleet.ConfiguredCount >= count, ConnectPatience);
        if (fleet.ConfiguredCount < count)
        {
            throw new ProcessFailedException($"only {fleet.ConfiguredCount} of {count} sidecars were configured within {ConnectPatience}: {string.Join("; ", fleet.Failures.Select(f => $"{f.Value} × {f.Key}"))}");
        }
    }

    private Task AcknowledgedAsync() => UntilAsync(() => fleet.Tracker.Missing <= 0, Patience);

    private async Task UntilAsync(Func<bool> holds, TimeSpan patience)
    {
        for (var begin = time.GetTimestamp(); !holds() && time.GetElapsedTime(begin) < patience;)
        {
            await Task.Delay(Pause, time);
        }
    }
}
