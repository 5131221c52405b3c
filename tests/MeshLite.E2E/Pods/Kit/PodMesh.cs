using System.Globalization;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// The mesh of the tests in network namespaces, made once for all of them: a control plane, and pods, meshed or not, added
/// as tests ask for them. Pods at <c>10.77.0.y</c> are in the cluster's networks, those at <c>10.77.200.y</c> are outside;
/// services are called at <c>10.96.0.y</c>, which nobody owns. Tests of the collection run one after the other.
/// </summary>
public sealed class PodMesh : IAsyncLifetime
{
    /// <summary>Addresses of the cluster: half of the bridge's network, and all service addresses.</summary>
    private const string Networks = "[10.77.0.0/17, 10.96.0.0/16, \"fd77::0:0/112\", \"fd96::/64\"]";

    private readonly TestDirectory _directory = new();
    private readonly Dictionary<string, string> _documents = [];
    private MeshPrograms _programs = null!;
    private MeshProcesses _processes = null!;
    private string _hosts = "";
    private int _lastPod = 10;

    /// <summary>What runs.</summary>
    public ProcessLauncher Launcher { get; private set; } = null!;

    /// <summary>Where.</summary>
    public PodNetwork Network { get; private set; } = null!;

    /// <summary>The control plane's pod.</summary>
    public Pod ControlPlane { get; private set; } = null!;

    /// <summary>The control plane.</summary>
    public ManagedProcess ControlPlaneProcess { get; private set; } = null!;

    /// <summary>A directory every user may enter.</summary>
    public string Directory => _directory.Path;

    /// <summary>The programs, as published.</summary>
    public MeshPrograms Programs => _programs;

    /// <summary>The mesh's roots.</summary>
    public string CaFile => _processes.CaFile;

    /// <summary>The program that is every application.</summary>
    public static string PodApp { get; } = FindPodApp();

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        if (PodNetwork.Missing is not null)
        {
            return;
        }

        File.SetUnixFileMode(_directory.Path, (UnixFileMode)0b111_101_101);
        var logs = Path.Combine(MeshPrograms.RepositoryRoot(), "out", "test-results", "e2e", "pods");
        Launcher = new ProcessLauncher(TimeProvider.System, logs);
        _programs = CopyPrograms(_directory.Path);
        _processes = new MeshProcesses(_programs, Launcher, Path.Combine(_directory.Path, "mesh"));
        Network = await PodNetwork.CreateAsync(Launcher);
        ControlPlane = await Network.AddAsync("cp", 0, 2);
        Mtls("Permissive");
        ControlPlaneProcess = ControlPlane.Start("control-plane", _programs.ControlPlane,
        [
            "--config-dir", _processes.ConfigDirectory, "--data-dir", _processes.DataDirectory,
            "--grpc", $"{ControlPlane.Address}:15012", "--telemetry", "127.0.0.1:15014", "--san", $"{ControlPlane.Address}",
        ]);
        await ControlPlaneProcess.ReadyAsync(TimeSpan.FromSeconds(30));
    }

    /// <summary>Sets the mode for the whole mesh.</summary>
    public void Mtls(string mode) => Save("mesh", $$$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {clusterNetworks: {{{Networks}}}, mtls: {mode: {{{mode}}}}, accessLog: {mode: All}}
        """);

    /// <summary>Sets what may leave the mesh.</summary>
    public void Egress(string mode, string allow) => Save("mesh", $$$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {clusterNetworks: {{{Networks}}}, egress: {mode: {{{mode}}}, allow: ["{{{allow}}}"]}, accessLog: {mode: All}}
        """);

    /// <summary>Names a pod for those added from now on.</summary>
    public void Host(string name, Pod pod) => _hosts += $"{pod.Address} {name}\n";

    /// <summary>Saves a document.</summary>
    public void Save(string name, string yaml)
    {
        if (_documents.TryGetValue(name, out var before) && before == yaml)
        {
            return;
        }

        _documents[name] = yaml;
        _processes.Save($"{name}.yaml", yaml);
    }

    /// <summary>Removes one.</summary>
    public void Remove(string name)
    {
        _documents.Remove(name);
        File.Delete(Path.Combine(_processes.ConfigDirectory, $"{name}.yaml"));
    }

    /// <summary>Declares a service at <c>10.96.0.y</c> and <c>fd96::y</c>; pods added from now on know it by name.</summary>
    public void Service(string name, int y, string ports)
    {
        Save(name, $$$"""
            apiVersion: v1
            kind: Service
            metadata: {name: {{{name}}}, namespace: shop}
            spec: {clusterIP: 10.96.0.{{{y}}}, clusterIPs: [10.96.0.{{{y}}}, "fd96::{{{y}}}"], ports: {{{ports}}}}
            """);
        _hosts += string.Create(CultureInfo.InvariantCulture, $"10.96.0.{y} {name} {name}.shop\nfd96::{y} {name}6\n");
    }

    /// <summary>Adds a pod, without sidecar; <paramref name="outside"/>: outside the cluster's networks.</summary>
    public Task<Pod> PodAsync(string name, bool outside = false, bool ipv6 = true)
    {
        var y = Interlocked.Increment(ref _lastPod);
        return Network.AddAsync(string.Create(CultureInfo.InvariantCulture, $"{name}{y}"), outside ? 200 : 0, y, _hosts, ipv6);
    }

    /// <summary>Leads a pod's TCP through a sidecar, and starts that.</summary>
    public async Task<PodSidecar> MeshAsync(Pod pod, string serviceAccount, string? service = null, int appPort = 0, params string[] more)
    {
        await pod.RunAsync(_programs.Sidecar, ["capture", .. SkipPorts(more)]);
        var sidecar = new PodSidecar(pod, _programs.Sidecar, await SidecarArgumentsAsync(pod, serviceAccount, service, appPort, more));
        await sidecar.StartAsync();
        return sidecar;
    }

    /// <summary>A token of a service account of namespace <c>shop</c>.</summary>
    public async Task<string> TokenAsync(string serviceAccount) => await File.ReadAllTextAsync(await _processes.TokenAsync("shop", serviceAccount));

    /// <summary>The arguments of a pod's sidecar, whose files its user may read.</summary>
    public async Task<IReadOnlyList<string>> SidecarArgumentsAsync(Pod pod, string serviceAccount, string? service, int appPort, params string[] more)
    {
        var files = System.IO.Directory.CreateDirectory(Path.Combine(_directory.Path, pod.Namespace)).FullName;
        File.Copy(await _processes.TokenAsync("shop", serviceAccount), Path.Combine(files, "token"));
        File.Copy(_processes.CaFile, Path.Combine(files, "ca.pem"));
        await Network.RunAsync("chown", "-R", $"{PodSidecar.Uid}", files);
        return
        [
            "--transparent", "--control-plane", $"https://{ControlPlane.Address}:15012", "--control-plane-ca", Path.Combine(files, "ca.pem"),
            "--token", Path.Combine(files, "token"), "--state-dir", Path.Combine(files, "state"), "--workload", pod.Name,
            .. service is null ? [] : (string[])["--service", service, "--app-port", $"{appPort}"], .. more,
        ];
    }

    /// <summary>Starts the test application in a pod; returns once it listens.</summary>
    public static async Task<ManagedProcess> AppAsync(Pod pod, string name, params string[] options)
    {
        var app = pod.Start("app", "dotnet", [PodApp, "serve", name, .. options], environment: new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" });
        await app.ReadyAsync(TimeSpan.FromSeconds(30));
        return app;
    }

    /// <summary>Returns once a GET through the mesh is answered with 200.</summary>
    public static Task ReachesAsync(Pod pod, string url) => Eventually.TrueAsync(
        async () => (await pod.TryAsync("curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", url)).Output == "200", $"200 from {url}", TimeSpan.FromSeconds(30));

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Launcher is not null)
        {
            await Network.DisposeAsync();
            await Launcher.DisposeAsync();
        }

        _directory.Dispose();
    }

    private static IEnumerable<string> SkipPorts(string[] arguments) => arguments.SkipWhile(a => a != "--skip-inbound-ports").Take(2);

    /// <summary>Copies the programs to where every user may read them: the repository may lie where only its owner may look.</summary>
    public static MeshPrograms CopyPrograms(string directory)
    {
        var to = System.IO.Directory.CreateDirectory(Path.Combine(directory, "bin")).FullName;
        var built = MeshPrograms.Find();
        foreach (var program in (string[])[built.ControlPlane, built.Sidecar, built.Meshctl])
        {
            File.Copy(program, Path.Combine(to, Path.GetFileName(program)));
        }

        return new MeshPrograms(to);
    }

    private static string FindPodApp()
    {
        // .../tests/MeshLite.E2E/bin/Release/net10.0/ → .../tests/MeshLite.PodApp/bin/Release/net10.0/
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(MeshPrograms.RepositoryRoot(), "tests", "MeshLite.PodApp", "bin", here.Parent!.Name, here.Name, "MeshLite.PodApp.dll");
    }
}

/// <summary>Tests that share the one <see cref="PodMesh"/>; a mesh of two dozen processes is no neighbour for other tests.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class PodCollection : ICollectionFixture<PodMesh>
{
    /// <summary>Of the collection.</summary>
    public const string Name = "Pods";
}
