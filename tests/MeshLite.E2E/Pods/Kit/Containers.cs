using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// The images, built with buildah over a base of this machine's own runtime, and podman with runc to run them in pods. Images and
/// containers lie in a store of the test's own. As an injected pod has them: read-only root file system (nothing else
/// writable unless mounted), no capability, no new privileges.
/// </summary>
public sealed class Containers : IAsyncDisposable
{
    /// <summary>What <see cref="Tools.Need"/> asks for.</summary>
    public static readonly string[] Programs = ["podman", "runc", "buildah"];

    private readonly PodMesh _mesh;
    private readonly string _store;

    private Containers(PodMesh mesh)
    {
        _mesh = mesh;
        _store = Directory.CreateDirectory(Path.Combine(mesh.Directory, "containers")).FullName;
    }

    /// <summary>Builds the images.</summary>
    public static async Task<Containers> BuildAsync(PodMesh mesh)
    {
        var containers = new Containers(mesh);
        var images = Path.Combine(MeshPrograms.RepositoryRoot(), "images");
        var environment = new Dictionary<string, string>
        {
            ["BUILDAH_OPTIONS"] = string.Join(' ', containers.Store()),
            ["BASE"] = "localhost/meshlite-local-base",
            ["TOOLS"] = "localhost/meshlite-local-tools",
        };
        foreach (var script in (string[])["local-base", "build"])
        {
            var build = await mesh.Launcher.RunAsync(
                new ProcessSpec { Name = $"images-{script}", FileName = Path.Combine(images, script), Environment = environment }, TimeSpan.FromMinutes(5));
            if (build.ExitCode != 0)
            {
                throw new ProcessFailedException($"images/{script}: exit code {build.ExitCode}\n{build.Log.Tail(20)}");
            }
        }

        // 125 and 126 are podman's own and the runtime's: no container can be made here, of whatever image.
        var first = await mesh.Launcher.RunAsync(
            new ProcessSpec { Name = "images-try", FileName = "podman", Arguments = [.. containers.Podman("run", "--rm", "--network", "none", "--read-only"), "localhost/meshlite-sidecar:dev", "--help"] },
            TimeSpan.FromMinutes(1));
        Assert.SkipWhen(first.ExitCode is 125 or 126, $"podman can't run containers here: {first.Log.Tail(2)}");
        first.ExitCode.ShouldBe(0, first.Log.Tail(10));
        return containers;
    }

    /// <summary>Starts a container in a pod's network. <paramref name="options"/> are podman's, <paramref name="arguments"/> the program's.</summary>
    public ManagedProcess Start(Pod pod, string name, string image, int uid, IEnumerable<string> options, IEnumerable<string> arguments) => _mesh.Launcher.Start(new ProcessSpec
    {
        Name = $"{pod.Name}-{name}",
        FileName = "podman",
        Arguments = [.. Podman("run", "--name", NameOf(pod, name)), .. Options(pod, uid, options), $"localhost/meshlite-{image}:dev", .. arguments],
    });

    /// <summary>Runs one to its end, which must be good; returns what it wrote.</summary>
    public async Task<string> RunAsync(Pod pod, string image, int uid, IEnumerable<string> options, params string[] arguments) =>
        await _mesh.Network.RunAsync("podman", [.. Podman("run", "--rm"), .. Options(pod, uid, options), $"localhost/meshlite-{image}:dev", .. arguments]);

    /// <summary>Runs a further program in a container.</summary>
    public Task<string> ExecAsync(Pod pod, string name, params string[] command) =>
        _mesh.Network.RunAsync("podman", [.. Store(), "exec", NameOf(pod, name), .. command]);

    /// <summary>SIGTERM to its program.</summary>
    public Task StopAsync(Pod pod, string name) =>
        _mesh.Network.RunAsync("podman", [.. Store(), "kill", "--signal", "TERM", NameOf(pod, name)]);

    /// <summary>Ends what still runs, and unmounts it.</summary>
    public async ValueTask DisposeAsync()
    {
        string[] remove = [.. Store(), "--runtime", "runc", "rm", "--all", "--force", "--time", "0"];
        try
        {
            await _mesh.Network.RunAsync("podman", remove);
        }
        catch (ProcessFailedException)
        {
            // One that ends by itself just then, podman can't stop ("container state improper: stopped"); by now it has ended.
            await _mesh.Network.RunAsync("podman", remove);
        }
    }

    // podman would raise these limits, which where this itself runs confined it may not.
    private string[] Podman(params string[] verb) =>
        [.. Store(), "--runtime", "runc", "--cgroup-manager", "cgroupfs", .. verb, "--ulimit", "nofile=4096:4096", "--ulimit", "nproc=4096:4096"];

    private static string[] Options(Pod pod, int uid, IEnumerable<string> options) =>
    [
        "--network", $"ns:/run/netns/{pod.Namespace}", "--user", $"{uid}:{uid}", "--read-only", "--read-only-tmpfs=false", "--cap-drop", "all",
        "--security-opt", "no-new-privileges", "--log-driver", "none", .. options,
    ];

    private string[] Store() =>
        ["--root", Path.Combine(_store, "root"), "--runroot", Path.Combine(_store, "run"), "--storage-driver", "vfs"];

    private static string NameOf(Pod pod, string name) => $"{pod.Namespace}-{name}";
}
