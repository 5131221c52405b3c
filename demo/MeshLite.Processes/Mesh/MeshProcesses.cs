using System.Collections.Concurrent;

namespace MeshLite.Processes.Mesh;

/// <summary>
/// A mesh of the real programs in one directory: the control plane with its configuration and data, join tokens, and
/// sidecars, all on free ports of loopback. Owns and ends the processes. Thread-safe.
/// </summary>
/// <param name="programs">What to start.</param>
/// <param name="launcher">Starts it; disposed by its maker, not here.</param>
/// <param name="directory">Holds <c>config/</c>, <c>data/</c>, <c>tokens/</c> and <c>state/</c>.</param>
public sealed class MeshProcesses(MeshPrograms programs, ProcessLauncher launcher, string directory)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<string>>> _tokens = new(StringComparer.Ordinal);

    /// <summary>How long a program may take to get ready, on a machine busy with other things.</summary>
    public static TimeSpan StartTimeout { get; } = TimeSpan.FromSeconds(30);

    /// <summary>Starts all programs of this mesh.</summary>
    public ProcessLauncher Launcher => launcher;

    /// <summary>What to start.</summary>
    public MeshPrograms Programs => programs;

    /// <summary>What the control plane watches.</summary>
    public string ConfigDirectory { get; } = System.IO.Directory.CreateDirectory(Path.Combine(directory, "config")).FullName;

    /// <summary>Where the control plane keeps its CA and token key.</summary>
    public string DataDirectory { get; } = System.IO.Directory.CreateDirectory(Path.Combine(directory, "data")).FullName;

    /// <summary>The first trust bundle.</summary>
    public string CaFile => Path.Combine(DataDirectory, "ca.pem");

    /// <summary>Where a sidecar keeps key, certificate and last good configuration.</summary>
    public string StateDirectory(string sidecar) => Path.Combine(directory, "state", sidecar);

    /// <summary>Saves a document for the control plane, as an editor does: overwriting the file in place.</summary>
    public void Save(string file, string yaml) => File.WriteAllText(Path.Combine(ConfigDirectory, file), yaml);

    /// <summary>Makes a control plane of this mesh; the caller starts it.</summary>
    public ControlPlaneProcess ControlPlane(string name = "control-plane") => new(this, name);

    /// <summary>Makes a sidecar of this mesh; the caller starts it.</summary>
    public SidecarProcess Sidecar(SidecarSpec spec, ControlPlaneProcess controlPlane) => new(this, spec, controlPlane);

    /// <summary>A file with a join token for an identity, made by <c>meshctl token create</c> (once each).</summary>
    public Task<string> TokenAsync(string @namespace, string serviceAccount) =>
        _tokens.GetOrAdd($"{@namespace}.{serviceAccount}", _ => new(() => CreateTokenAsync(@namespace, serviceAccount))).Value;

    /// <summary>Makes another join token, with further arguments of <c>meshctl token create</c>.</summary>
    public async Task<string> CreateTokenAsync(string @namespace, string serviceAccount, params string[] arguments)
    {
        var tokens = System.IO.Directory.CreateDirectory(Path.Combine(directory, "tokens")).FullName;
        var file = Path.Combine(tokens, $"{@namespace}.{serviceAccount}.{Guid.NewGuid():n}");
        var meshctl = await launcher.RunAsync(
            new ProcessSpec
            {
                Name = "meshctl",
                FileName = programs.Meshctl,
                Arguments =
                [
                    "token", "create", "--data-dir", DataDirectory, "--namespace", @namespace, "--service-account", serviceAccount,
                    "--out", file, .. arguments,
                ],
            },
            StartTimeout);
        return meshctl.ExitCode == 0 ? file : throw new ProcessFailedException($"meshctl token create: exit code {meshctl.ExitCode}\n{meshctl.Log.Tail(10)}");
    }
}
