using System.Text.Json;
using System.Text.Json.Nodes;
using MeshLite.E2E.Pods.Kit;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>What a pod of an application is. <param name="App">Its label <c>app</c>, and its service account.</param>
/// <param name="Command">Of its one container, <c>app</c>; LEDGER stands for a file in the pod.</param>
/// <param name="Probe">Path of its readiness probe, on port 8080; empty: none.</param></summary>
public sealed record KubePodSpec(string App, string[] Command, string Probe = "")
{
    /// <summary>Of the pod.</summary>
    public string Namespace { get; init; } = KubeMesh.Shop;

    /// <summary>As YAML.</summary>
    public string Annotations { get; init; } = "{}";

    /// <summary>Seconds that the application's own preStop hook sleeps.</summary>
    public int SleepSeconds { get; init; }

    /// <summary>The server of <c>MeshLite.PodApp</c>.</summary>
    public static KubePodSpec Server(string app, params string[] options) => new(app, ["dotnet", PodMesh.PodApp, "serve", app, .. options, "--ledger", "LEDGER"], "/hello");

    /// <summary>A pod that calls others, by what a test runs in it.</summary>
    public static KubePodSpec Caller(string app) => new(app, ["sleep", "infinity"]);

    /// <summary>As it is created.</summary>
    public string ToYaml(string name, string ledger)
    {
        var command = JsonSerializer.Serialize(Command.Select(part => part == "LEDGER" ? ledger : part));
        var probe = Probe.Length == 0 ? "" : $", readinessProbe: {{httpGet: {{path: {Probe}, port: http}}, periodSeconds: 1}}";
        var lifecycle = SleepSeconds == 0 ? "" : $", lifecycle: {{preStop: {{sleep: {{seconds: {SleepSeconds}}}}}}}";
        return $$$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: {{{name}}}, namespace: {{{Namespace}}}, labels: {app: {{{App}}}}, annotations: {{{Annotations}}}}
            spec:
              nodeName: node-a
              serviceAccountName: {{{App}}}
              terminationGracePeriodSeconds: 60
              containers:
              - {name: app, image: app, command: {{{command}}}, ports: [{name: http, containerPort: 8080, protocol: TCP}]{{{probe}}}{{{lifecycle}}}}
            """;
    }
}

/// <summary>
/// A pod as the webhook injected it, and its kubelet: runs its containers in order as the stored specification says, says in its status where it is and whether
/// it is ready, and ends it as native sidecars are ended.
/// </summary>
public sealed class KubePod
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly KubeMesh _mesh;
    private readonly KubePodSpec _spec;
    private readonly string _ledger;
    private readonly PodVolumes _volumes;

    private KubePod(KubeMesh mesh, KubePodSpec spec, Pod pod, JsonObject stored, string ledger)
    {
        (_mesh, _spec, Pod, Stored, _ledger) = (mesh, spec, pod, stored, ledger);
        _volumes = new PodVolumes(mesh, pod, stored);
    }

    /// <summary>Its network namespace.</summary>
    public Pod Pod { get; }

    /// <summary>As the API server has it.</summary>
    public JsonObject Stored { get; }

    /// <summary>Its containers' names, in order, init containers first.</summary>
    public IEnumerable<string> Containers => All.Select(container => container["name"]!.GetValue<string>());

    /// <summary>Null: it was not injected.</summary>
    public ManagedProcess? Sidecar { get; private set; }

    /// <summary>The application.</summary>
    public ManagedProcess App { get; private set; } = null!;

    private string Name => Pod.Name;

    private IEnumerable<JsonObject> All =>
        (Stored["spec"]!["initContainers"] as JsonArray ?? []).Concat(Stored["spec"]!["containers"]!.AsArray()).Select(container => container!.AsObject());

    /// <summary>Creates it, and runs it until it is ready.</summary>
    internal static async Task<KubePod> StartAsync(KubeMesh mesh, KubePodSpec spec, string name, int y)
    {
        await mesh.Cluster.ApplyAsync($$$"""
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: {{{spec.App}}}, namespace: {{{spec.Namespace}}}}
            """);
        var ledger = Path.Combine(mesh.Directory, $"{name}.ledger");
        var stored = await mesh.Cluster.ApplyAsync(spec.ToYaml(name, ledger));
        var pod = new KubePod(mesh, spec, await mesh.NamespaceOfAsync(name, y), stored, ledger);
        await pod.StatusAsync("Pending", ready: false);
        foreach (var container in stored["spec"]!["initContainers"] as JsonArray ?? [])
        {
            await pod.InitAsync(container!.AsObject());
        }

        var command = pod.Container("app")["command"]!.AsArray().Select(part => part!.GetValue<string>()).ToArray();
        pod.App = pod.Pod.Start("app", command[0], command[1..], environment: new Dictionary<string, string> { ["DOTNET_gcServer"] = "0" });
        await Eventually.TrueAsync(async () => await pod.ProbeAsync("app", "readinessProbe") == 200, $"{name} is ready", Patience);
        await pod.ReadyAsync(true);
        return pod;
    }

    /// <summary>Asks what a container's probe asks, as it was rewritten; 200 where it has none.</summary>
    public Task<int> ProbeAsync(string container, string probe) => Container(container)[probe]?["httpGet"] is { } get
        ? Http.StatusAsync(_mesh.Kubelet, $"http://{Pod.Address}:{PortOf(Container(container), get["port"]!)}{get["path"]}")
        : Task.FromResult(200);

    /// <summary>Says so in its status.</summary>
    public Task ReadyAsync(bool ready) => StatusAsync("Running", ready);

    /// <summary>Which requests with that prefix it has seen, and how often.</summary>
    public async Task<Dictionary<string, int>> LedgerAsync(string prefix) => App.HasEnded
        ? JsonSerializer.Deserialize<Dictionary<string, int>>(await File.ReadAllTextAsync(_ledger))!.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary()
        : JsonSerializer.Deserialize<Dictionary<string, int>>(await Pod.RunAsync("curl", "-sS", $"http://127.0.0.1:8080/ledger?prefix={prefix}"))!;

    /// <summary>When it saw the newest one, by the machine's clock.</summary>
    public async Task<DateTimeOffset> LatestAsync() =>
        DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(await Pod.RunAsync("curl", "-sS", "http://127.0.0.1:8080/latest")));

    /// <summary>
    /// Deletes it. At once all preStop hooks run; then the application gets SIGTERM, and when it is gone the sidecar
    /// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#termination-with-sidecars).
    /// </summary>
    public async Task EndAsync()
    {
        await _mesh.Cluster.DeleteAsync("Pod", _spec.Namespace, Name);
        await Task.WhenAll(EndContainersAsync(), ReadyAsync(false));
        await _mesh.Cluster.ForgetPodAsync(_spec.Namespace, Name);
    }

    /// <summary>The same without the API server: what a kubelet does when the application has ended by itself.</summary>
    public async Task<int> EndSidecarAsync()
    {
        await PreStopAsync();
        return await Sidecar!.TerminateAsync(Patience);
    }

    private async Task EndContainersAsync()
    {
        var draining = Sidecar is null ? Task.CompletedTask : PreStopAsync();
        var sleep = Container("app")["lifecycle"]?["preStop"]?["sleep"]?["seconds"]?.GetValue<int>() ?? 0;
        await Task.Delay(TimeSpan.FromSeconds(sleep), TimeProvider.System);
        await App.TerminateAsync(Patience);
        await draining;
        (await (Sidecar?.TerminateAsync(Patience) ?? Task.FromResult(0))).ShouldBe(0);
    }

    private Task PreStopAsync()
    {
        var command = Container("meshlite-sidecar")["lifecycle"]!["preStop"]!["exec"]!["command"]!.AsArray().Select(part => part!.GetValue<string>()).ToArray();
        return Pod.RunAsync(command[0] == ContainerProcess.Image ? _mesh.Programs.Sidecar : command[0], command[1..]);
    }

    private async Task InitAsync(JsonObject container)
    {
        var name = container["name"]!.GetValue<string>();
        foreach (var mount in container["volumeMounts"] as JsonArray ?? [])
        {
            await _volumes.MakeAsync(mount!["name"]!.GetValue<string>());
        }

        var process = ContainerProcess.Start(Pod, container, _mesh.Programs.Sidecar, _volumes.Field, _volumes.DirectoryOf);
        if (container["restartPolicy"]?.GetValue<string>() != "Always")
        {
            (await process.ExitAsync(Patience)).ShouldBe(0, process.Log.Tail(10));
            return;
        }

        Sidecar = process;
        await Eventually.TrueAsync(
            async () => process.HasEnded ? throw new ProcessFailedException(process.Log.Tail(20)) : await ProbeAsync(name, "startupProbe") == 200, $"{name} of {Name} has started", Patience);
    }

    private Task StatusAsync(string phase, bool ready) => _mesh.Cluster.PatchPodStatusAsync(_spec.Namespace, Name, $$$"""
        {"phase": "{{{phase}}}", "podIP": "{{{Pod.Address}}}", "podIPs": [{"ip": "{{{Pod.Address}}}"}], "conditions": [{"type": "Ready", "status": "{{{ready}}}"}]}
        """);

    private static JsonNode PortOf(JsonObject container, JsonNode port) => port.GetValueKind() == JsonValueKind.Number
        ? port
        : container["ports"]!.AsArray().Single(named => named!["name"]!.GetValue<string>() == port.GetValue<string>())!["containerPort"]!;

    private JsonObject Container(string name) => All.Single(container => container["name"]!.GetValue<string>() == name);
}
