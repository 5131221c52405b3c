using MeshLite.Processes;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>A sidecar in a pod: as uid 1337, without capabilities, behind real capture rules.</summary>
public sealed class PodSidecar(Pod pod, string program, IReadOnlyList<string> arguments)
{
    /// <summary>The user the rules let pass.</summary>
    public const int Uid = 1337;

    private int _starts;

    /// <summary>Where it stands.</summary>
    public Pod Pod => pod;

    /// <summary>The newest process.</summary>
    public ManagedProcess Process { get; private set; } = null!;

    /// <summary>Starts it, or starts it again; returns once it is ready.</summary>
    public async Task StartAsync()
    {
        Process = pod.Start($"sidecar-{++_starts}", program, arguments, Uid);
        await Process.ReadyAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>What its admin interface or telemetry says.</summary>
    public Task<string> GetAsync(int port, string path) => pod.RunAsync("curl", "-sS", "-m", "10", $"http://127.0.0.1:{port}{path}");

    /// <summary>As the preStop hook does: returns when it is drained.</summary>
    public Task DrainAsync() => pod.RunAsync(program, "drain");
}
