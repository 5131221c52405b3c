using System.Net;

namespace MeshLite.Processes.Mesh;

/// <summary>
/// A sidecar that can be stopped and started again, then on the ports and state it had (its application knows them).
/// Not thread-safe: one caller starts and stops it.
/// </summary>
public sealed class SidecarProcess
{
    private static readonly string[] Listeners = ["outbound", "inbound", "admin", "telemetry"];

    private readonly MeshProcesses _mesh;
    private readonly ControlPlaneProcess _controlPlane;
    private readonly Dictionary<string, IPEndPoint> _addresses = [];
    private ManagedProcess? _process;

    internal SidecarProcess(MeshProcesses mesh, SidecarSpec spec, ControlPlaneProcess controlPlane)
    {
        _mesh = mesh;
        _controlPlane = controlPlane;
        Spec = spec;
    }

    /// <summary>What it was made from.</summary>
    public SidecarSpec Spec { get; }

    /// <summary>The newest process.</summary>
    public ManagedProcess Process => _process ?? throw NotStarted();

    /// <summary>Where its application sends calls.</summary>
    public IPEndPoint Outbound => Address("outbound");

    /// <summary>Where other sidecars reach it.</summary>
    public IPEndPoint Inbound => Address("inbound");

    /// <summary>Its state, JSON.</summary>
    public IPEndPoint Admin => Address("admin");

    /// <summary><c>/metrics</c>, <c>/ready</c>, <c>/live</c>.</summary>
    public IPEndPoint Telemetry => Address("telemetry");

    /// <summary>Its identity, if the trust domain is the default.</summary>
    public string Identity => $"spiffe://cluster.local/ns/{Spec.Namespace}/sa/{Spec.Account}";

    /// <summary>Starts it, or starts it again; returns once it is ready.</summary>
    public async Task StartAsync()
    {
        await LaunchAsync();
        await Process.ReadyAsync(MeshProcesses.StartTimeout);
    }

    /// <summary>Starts it, or starts it again; returns at once where it is not to get ready.</summary>
    public async Task LaunchAsync()
    {
        var token = Spec.TokenFile ?? await _mesh.TokenAsync(Spec.Namespace, Spec.Account);
        _process = _mesh.Launcher.Start(new ProcessSpec
        {
            Name = Spec.Name,
            FileName = _mesh.Programs.Sidecar,
            Arguments = [.. Arguments(token)],
            Environment = Spec.Environment,
        });
        // Without its listeners nothing can be said to it; they open before it is ready.
        foreach (var listener in Listeners)
        {
            _addresses[listener] = await _process.ListeningAsync(listener, MeshProcesses.StartTimeout);
        }
    }

    /// <summary>SIGTERM: drains, then ends; the exit code.</summary>
    public Task<int> DrainAsync() => Process.TerminateAsync(TimeSpan.FromSeconds(40));

    /// <summary>SIGKILL.</summary>
    public Task KillAsync() => Process.KillAsync();

    private IEnumerable<string> Arguments(string token)
    {
        yield return "--control-plane";
        yield return $"https://{_controlPlane.Grpc}";
        yield return "--control-plane-ca";
        yield return _mesh.CaFile;
        yield return "--token";
        yield return token;
        yield return "--namespace";
        yield return Spec.Namespace;
        yield return "--state-dir";
        yield return _mesh.StateDirectory(Spec.Name);
        foreach (var listener in Listeners)
        {
            yield return "--" + listener;
            yield return $"{_addresses.GetValueOrDefault(listener) ?? First(listener)}";
        }

        if (Spec.Service is { } service)
        {
            yield return "--service";
            yield return service;
        }

        if (Spec.AppPort != 0)
        {
            yield return "--app-port";
            yield return $"{Spec.AppPort}";
        }

        if (Spec.HealthPath is { } healthPath)
        {
            yield return "--health-path";
            yield return healthPath;
        }

        foreach (var (name, value) in Spec.Labels)
        {
            yield return "--label";
            yield return $"{name}={value}";
        }

        foreach (var argument in Spec.Arguments)
        {
            yield return argument;
        }
    }

    private IPEndPoint First(string listener) => listener == "outbound" && Spec.OutboundPort != 0
        ? new IPEndPoint(IPAddress.Loopback, Spec.OutboundPort)
        : Spec.FixedPorts ? new IPEndPoint(IPAddress.Loopback, Loopback.FreePort()) : Loopback.AnyPort;

    private IPEndPoint Address(string listener) => _addresses.GetValueOrDefault(listener) ?? throw NotStarted();

    private InvalidOperationException NotStarted() => new($"sidecar {Spec.Name} was not started");
}
