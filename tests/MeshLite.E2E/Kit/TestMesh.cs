using MeshLite.Processes;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E.Kit;

/// <summary>
/// A mesh of the real programs for one test: control plane, sidecars beside applications in the test's process, clients.
/// <c>await using</c> ends all of it. The programs' output lies in <c>out/test-results/e2e/&lt;test&gt;/</c>; its end is
/// printed with a failed test.
/// </summary>
public sealed class TestMesh : IAsyncDisposable
{
    private readonly TestDirectory _directory = new();
    private readonly ProcessLauncher _launcher;
    private readonly string _logs;
    private readonly List<IAsyncDisposable> _owned = [];
    private int _names;

    private TestMesh()
    {
        var root = MeshPrograms.RepositoryRoot();
        var test = string.Concat((TestContext.Current.Test?.TestDisplayName ?? "test").Select(c => char.IsLetterOrDigit(c) || c is '.' or '_' ? c : '-'));
        _logs = Path.Combine(root, "out", "test-results", "e2e", test.Length > 150 ? test[..150] : test);
        _launcher = new ProcessLauncher(TimeProvider.System, _logs);
        Processes = new MeshProcesses(MeshPrograms.Find(), _launcher, _directory.Path);
        ControlPlane = Processes.ControlPlane();
    }

    /// <summary>Directories, tokens, further processes.</summary>
    public MeshProcesses Processes { get; }

    /// <summary>Started, unless it was made without.</summary>
    public ControlPlaneProcess ControlPlane { get; }

    /// <summary>Starts a control plane over one document (which may be several, parted by <c>---</c>); <paramref name="prepare"/> may put files into its data directory first.</summary>
    public static async Task<TestMesh> StartAsync(string? yaml = null, Action<string>? prepare = null)
    {
        var mesh = new TestMesh();
        try
        {
            prepare?.Invoke(mesh.Processes.DataDirectory);
            if (yaml is not null)
            {
                mesh.Save("mesh.yaml", yaml);
            }

            await mesh.ControlPlane.StartAsync();
            return mesh;
        }
        catch
        {
            await mesh.DisposeAsync();
            throw;
        }
    }

    /// <summary>Saves a document for the control plane.</summary>
    public void Save(string file, string yaml) => Processes.Save(file, yaml);

    /// <summary>Starts a sidecar for an application that only calls others.</summary>
    public async Task<MeshClient> ClientAsync(string serviceAccount = "client", string @namespace = "shop")
    {
        var sidecar = await SidecarAsync(new SidecarSpec { Name = Name(serviceAccount), Namespace = @namespace, ServiceAccount = serviceAccount });
        return Own(new MeshClient(sidecar));
    }

    /// <summary>Starts an HTTP application that serves a service, and its sidecar.</summary>
    public async Task<MeshApp> AppAsync(string service, Func<SidecarSpec, SidecarSpec>? with = null, HttpApp? app = null)
    {
        app ??= await HttpApp.StartAsync(service);
        Own(app);
        var spec = new SidecarSpec { Name = Name(service), Service = service, AppPort = app.Port, HealthPath = "/healthz" };
        return new MeshApp(app, await SidecarAsync(with is null ? spec : with(spec)));
    }

    /// <summary>As above, with the label <c>version</c>, which is also the application's name (<c>x-app</c>).</summary>
    public async Task<MeshApp> AppAsync(string service, string version) =>
        await AppAsync(service, s => s with { Labels = new Dictionary<string, string> { ["version"] = version } }, await HttpApp.StartAsync(version));

    /// <summary>Starts a sidecar; returns once it is ready.</summary>
    public async Task<SidecarProcess> SidecarAsync(SidecarSpec spec)
    {
        var sidecar = Processes.Sidecar(spec, ControlPlane);
        await sidecar.StartAsync();
        return sidecar;
    }

    /// <summary>Runs one of the programs to its end.</summary>
    public Task<ManagedProcess> RunAsync(string program, params string[] arguments) =>
        _launcher.RunAsync(new ProcessSpec { Name = Name(Path.GetFileName(program)), FileName = program, Arguments = arguments }, TimeSpan.FromSeconds(20));

    /// <summary>Has it disposed with this mesh.</summary>
    public T Own<T>(T thing)
        where T : IAsyncDisposable
    {
        _owned.Add(thing);
        return thing;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _launcher.DisposeAsync();
        foreach (var thing in _owned)
        {
            await thing.DisposeAsync();
        }

        // Shown with failed tests only.
        var output = TestContext.Current.TestOutputHelper;
        output?.WriteLine($"all output: {_logs}");
        foreach (var process in _launcher.Started.Where(p => p.Name != "meshctl"))
        {
            output?.WriteLine($"{process.Name} (pid {process.Id}):\n{process.Log.Tail(25)}");
        }

        _directory.Dispose();
    }

    private string Name(string of) => $"{of}-{Interlocked.Increment(ref _names)}";
}
