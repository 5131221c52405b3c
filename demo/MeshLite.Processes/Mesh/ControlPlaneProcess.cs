using System.Net;

namespace MeshLite.Processes.Mesh;

/// <summary>
/// A control plane that can be stopped and started again, then on the ports and data it had. Not thread-safe: one
/// caller starts and stops it.
/// </summary>
public sealed class ControlPlaneProcess
{
    private readonly MeshProcesses _mesh;
    private readonly string _name;
    private IPEndPoint? _grpc;
    private IPEndPoint? _telemetry;
    private ManagedProcess? _process;

    internal ControlPlaneProcess(MeshProcesses mesh, string name)
    {
        _mesh = mesh;
        _name = name;
    }

    /// <summary>The newest process.</summary>
    public ManagedProcess Process => _process ?? throw NotStarted();

    /// <summary>Where sidecars connect.</summary>
    public IPEndPoint Grpc => _grpc ?? throw NotStarted();

    /// <summary><c>/metrics</c>, <c>/ready</c>, <c>/live</c>.</summary>
    public IPEndPoint Telemetry => _telemetry ?? throw NotStarted();

    /// <summary>Starts it, or starts it again; returns once it is ready.</summary>
    public async Task StartAsync(params string[] arguments)
    {
        _process = _mesh.Launcher.Start(new ProcessSpec
        {
            Name = _name,
            FileName = _mesh.Programs.ControlPlane,
            Arguments =
            [
                "--config-dir", _mesh.ConfigDirectory, "--data-dir", _mesh.DataDirectory,
                "--grpc", $"{_grpc ?? Loopback.AnyPort}", "--telemetry", $"{_telemetry ?? Loopback.AnyPort}", .. arguments,
            ],
        });
        _grpc = await _process.ListeningAsync("grpc", MeshProcesses.StartTimeout);
        _telemetry = await _process.ListeningAsync("telemetry", MeshProcesses.StartTimeout);
        await _process.ReadyAsync(MeshProcesses.StartTimeout);
    }

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => Process.KillAsync();

    private InvalidOperationException NotStarted() => new($"{_name} was not started");
}
