using System.Text.Json.Nodes;
using MeshLite.Injection;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// A pod run exactly as its injected specification says, by what of the kubelet that takes: init containers in order, each with its arguments, variables, user,
/// capabilities and mounts; the startup probe; preStop and SIGTERM. The containers of the application are the test's own processes, started after that.
/// </summary>
public sealed class InjectedPod
{
    private const string Namespace = "shop";

    private readonly PodMesh _mesh;
    private readonly Pod _kubelet;
    private readonly JsonObject _spec;
    private readonly Dictionary<string, string> _volumes = [];
    private readonly Dictionary<string, string> _standalone = [];

    private InjectedPod(PodMesh mesh, Pod pod, Pod kubelet, JsonObject injected)
    {
        (_mesh, Pod, _kubelet, Injected) = (mesh, pod, kubelet, injected);
        _spec = (JsonObject)injected["spec"]!;
    }

    /// <summary>The namespace it runs in.</summary>
    public Pod Pod { get; }

    /// <summary>As the webhook would have it.</summary>
    public JsonObject Injected { get; }

    /// <summary>What each init container wrote that has ended.</summary>
    public Dictionary<string, string> Outputs { get; } = [];

    /// <summary>The sidecar.</summary>
    public ManagedProcess Sidecar { get; private set; } = null!;

    /// <summary>
    /// Injects the pod and runs it until its application may start. <paramref name="kubelet"/>: a pod without sidecar that does the probing.
    /// <paramref name="appPort"/>: what a sidecar tells a control plane that has no cluster to ask; 0: that nobody calls it.
    /// </summary>
    public static async Task<InjectedPod> StartAsync(PodMesh mesh, Pod pod, Pod kubelet, string serviceAccount, string json, int appPort = 0)
    {
        var options = new InjectionOptions
        {
            Image = "meshlite/sidecar:dev",
            ControlPlane = $"https://{mesh.ControlPlane.Address}:15012",
            TrustBundlePem = await File.ReadAllTextAsync(mesh.CaFile),
            TokenAudience = "meshlite-control-plane",
            Version = "dev",
        };
        var result = PodInjector.Inject(JsonNode.Parse(json)!.AsObject(), new PodNamespace(Namespace, new Dictionary<string, string> { [MeshAnnotations.Inject] = "enabled" }), options);
        var injected = new InjectedPod(mesh, pod, kubelet, JsonNode.Parse(result.Pod.ShouldNotBeNull(result.Refusal ?? result.LeftAlone).ToJsonString())!.AsObject());
        if (appPort != 0)
        {
            injected._standalone["MESHLITE_SERVICE"] = serviceAccount;
            injected._standalone["MESHLITE_APP_PORT"] = $"{appPort}";
        }

        await injected.MakeVolumesAsync(await mesh.TokenAsync(serviceAccount));
        foreach (var container in injected._spec["initContainers"]!.AsArray().Select(c => c!.AsObject()))
        {
            await injected.RunAsync(container);
        }

        return injected;
    }

    /// <summary>Asks as the kubelet would what a container's probe says: the status of HTTP.</summary>
    public async Task<string> ProbeAsync(string container, string probe)
    {
        var get = Container(container)[probe]!["httpGet"]!;
        return (await _kubelet.TryAsync("curl", "-sS", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", $"http://{Pod.Address}:{get["port"]}{get["path"]}")).Output;
    }

    /// <summary>As the kubelet ends a native sidecar: preStop, then SIGTERM; returns the exit code.</summary>
    public async Task<int> StopSidecarAsync()
    {
        var command = Container("meshlite-sidecar")["lifecycle"]!["preStop"]!["exec"]!["command"]!.AsArray().Select(part => part!.GetValue<string>()).ToArray();
        await Pod.RunAsync(command[0] == ContainerProcess.Image ? _mesh.Programs.Sidecar : command[0], command[1..]);
        return await Sidecar.TerminateAsync(TimeSpan.FromSeconds(35));
    }

    private JsonObject Container(string name) =>
        _spec["initContainers"]!.AsArray().Concat(_spec["containers"]!.AsArray()).Select(c => c!.AsObject()).Single(c => c["name"]!.GetValue<string>() == name);

    private async Task RunAsync(JsonObject container)
    {
        var name = container["name"]!.GetValue<string>();
        var process = ContainerProcess.Start(Pod, container, _mesh.Programs.Sidecar, Field, volume => _volumes[volume], _standalone);
        if (container["restartPolicy"]?.GetValue<string>() == "Always")
        {
            Sidecar = process;
            await Eventually.TrueAsync(async () => await ProbeAsync(name, "startupProbe") == "200", $"{name} of {Pod.Name} has started", TimeSpan.FromSeconds(30));
            return;
        }

        (await process.ExitAsync(TimeSpan.FromSeconds(30))).ShouldBe(0, process.Log.Tail(10));
        Outputs[name] = string.Join('\n', process.Log.Lines);
    }

    private async Task MakeVolumesAsync(string token)
    {
        foreach (var volume in _spec["volumes"]!.AsArray().Select(v => v!.AsObject()))
        {
            var directory = Directory.CreateDirectory(Path.Combine(_mesh.Directory, $"{Pod.Namespace}-{volume["name"]}")).FullName;
            _volumes[volume["name"]!.GetValue<string>()] = directory;
            if (volume["emptyDir"] is not null)
            {
                File.SetUnixFileMode(directory, (UnixFileMode)0b111_111_111);
                continue;
            }

            foreach (var source in volume["projected"]!["sources"]!.AsArray())
            {
                if (source!["serviceAccountToken"] is { } account)
                {
                    account["audience"]!.GetValue<string>().ShouldBe("meshlite-control-plane");
                    await File.WriteAllTextAsync(Path.Combine(directory, account["path"]!.GetValue<string>()), token);
                }

                foreach (var item in source["downwardAPI"]?["items"] as JsonArray ?? [])
                {
                    await File.WriteAllTextAsync(Path.Combine(directory, item!["path"]!.GetValue<string>()), Field(item["fieldRef"]!["fieldPath"]!.GetValue<string>()));
                }
            }
        }
    }

    private string Field(string path) => path switch
    {
        "metadata.name" => Pod.Name,
        "metadata.namespace" => Namespace,
        "status.podIP" => $"{Pod.Address}",
        _ => Injected["metadata"]!["annotations"]![path["metadata.annotations['".Length..^"']".Length]]!.GetValue<string>(),
    };
}
