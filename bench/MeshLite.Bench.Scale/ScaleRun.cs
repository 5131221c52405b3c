using MeshLite.Bench.Results;
using MeshLite.Bench.Scale.Cluster;
using MeshLite.Bench.Scale.Measure;
using MeshLite.Bench.Scale.Phases;
using MeshLite.Bench.Scale.Sidecars;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Bench.Scale;

/// <summary>One run: a cluster, the real control plane, so many sidecars, all phases. Ends what it started.</summary>
internal static class ScaleRun
{
    private static readonly TimeSpan StartTimeout = TimeSpan.FromMinutes(2);

    // What its image says (images/control-plane.Dockerfile), the heap's share being that of the memory limit in the manifests.
    private static readonly Dictionary<string, string> Container = new()
    {
        ["DOTNET_GCgen0size"] = "0x4000000",
        ["DOTNET_GCHeapHardLimit"] = $"0x{1536L * 1024 * 1024 * 58 / 100:x}",
        ["MALLOC_ARENA_MAX"] = "1",
    };

    public static async Task<ScaleResult> RunAsync(int sidecars, ScaleSettings settings, ProcessLauncher launcher, string directory)
    {
        var time = launcher.Time;
        await using var cluster = await SimulatedCluster.StartAsync(settings);
        var started = time.GetTimestamp();
        await using var process = launcher.Start(new ProcessSpec
        {
            Name = "control-plane",
            FileName = MeshPrograms.Find().ControlPlane,
            Environment = Container,
            Arguments = ["--kubeconfig", cluster.WriteKubeconfig(Path.Combine(directory, "kubeconfig")), "--grpc", "127.0.0.1:0", "--telemetry", "127.0.0.1:0", "--webhook", "127.0.0.1:0", "--san", "127.0.0.1"],
        });
        var grpc = await process.ListeningAsync("grpc", StartTimeout);
        var telemetry = await process.ListeningAsync("telemetry", StartTimeout);
        await process.ReadyAsync(StartTimeout);
        var startSeconds = time.GetElapsedTime(started).TotalSeconds;

        var (certificate, key) = cluster.Authority();
        var svids = new SvidFactory(certificate, key, time);
        var stuck = ScaleSettings.StuckBeside(sidecars);
        var fleet = new Fleet([.. cluster.Pods.Take(sidecars + stuck)], stuck, settings, svids, new ControlPlaneDial(grpc, svids.Verifier, time), new ChangeTracker(time), time);
        using var probe = new ControlPlaneProbe(process, new Uri($"http://{telemetry}/metrics"), time);
        Console.WriteLine($"{sidecars} sidecars and {stuck} stuck ones, {settings.Services} services, {settings.Services * settings.PodsPerService} endpoints; ready after {startSeconds:0.0} s");
        var phase = new Phase(cluster, fleet, probe, settings, time);
        var results = new List<PhaseResult>();
        foreach (var run in (Func<Task<PhaseResult>>[])[phase.ConnectStormAsync, phase.IdleAsync, phase.EndpointChangesAsync, phase.HotPolicyAsync, phase.RollingRestartAsync])
        {
            results.Add(await run());
        }

        await Task.WhenAll(fleet.Sidecars.Select(s => s.StopAsync()));
        return new ScaleResult
        {
            Sidecars = sidecars,
            Stuck = stuck,
            Services = settings.Services,
            Endpoints = settings.Services * settings.PodsPerService,
            StartSeconds = Math.Round(startSeconds, 2),
            Phases = results,
            StreamFailures = fleet.Failures,
        };
    }
}
