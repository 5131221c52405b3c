using System.Globalization;
using System.Net;
using System.Net.Http;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.E2E.Pods.Kit;
using MeshLite.Kubernetes;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes.Real;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>
/// A cluster of network namespaces, made once for all tests of the collection: a real API server and controller-manager on this machine, <c>manifests/</c> as
/// <c>kubectl apply -k</c> installs them, two replicas of the control plane in pods under the rights that stand there, and pods at <c>10.77.0.y</c> as the webhook
/// injects them. There is no DNS: names are in everybody's hosts file, that of the control plane with both replicas' addresses.
/// </summary>
public sealed class KubeMesh : IAsyncLifetime
{
    /// <summary>The namespace of the applications, labelled for injection.</summary>
    public const string Shop = "shop";

    private const string Own = "meshlite-system";
    private const string ControlPlaneName = "meshlite-control-plane.meshlite-system.svc";
    private const string Machine = "10.77.255.254";
    private const string Controllers = "serviceaccount-controller,root-ca-certificate-publisher-controller,namespace-controller,endpointslice-controller";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new();
    private string _hosts = "";
    private int _lastPod = 10;
    private int _lastService;
    private Scene? _scene;

    /// <summary>Why there can be none here; null: there can.</summary>
    public static string? WhyNot { get; } = PodNetwork.Missing ?? RealApiServer.WhyNoControllers ?? (Kubectl is null ? "no kubectl beside kube-apiserver or in the PATH" : null);

    /// <summary>The API server.</summary>
    public RealApiServer Api { get; private set; } = null!;

    /// <summary>What an administrator does there.</summary>
    public Cluster Cluster { get; private set; } = null!;

    /// <summary>Where pods are.</summary>
    public PodNetwork Network { get; private set; } = null!;

    /// <summary>What runs.</summary>
    public ProcessLauncher Launcher { get; private set; } = null!;

    /// <summary>The programs, where every user may read them.</summary>
    public MeshPrograms Programs { get; private set; } = null!;

    /// <summary>Of the control plane.</summary>
    public IReadOnlyList<Replica> Replicas { get; private set; } = [];

    /// <summary>The kubelet's, and Prometheus': on the machine, in no pod.</summary>
    public HttpClient Kubelet { get; } = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = TimeSpan.FromSeconds(5) };

    /// <summary>A directory every user may enter.</summary>
    public string Directory => _directory.Path;

    private static string? Kubectl
    {
        get
        {
            var beside = Path.Combine(Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") ?? "/usr/local/kubebuilder/bin", "kubectl");
            return File.Exists(beside) ? beside : Tools.Has("kubectl") ? "kubectl" : null;
        }
    }

    /// <summary>
    /// Starts:
    /// <list type="number">
    /// <item>the API server, at an address that pods reach</item>
    /// <item>what <c>manifests/</c> says, its webhooks at the control plane's name instead of its Service</item>
    /// <item>both replicas, and waits until the server knows their authority</item>
    /// <item>the mesh's configuration and the applications' namespace</item>
    /// </list>
    /// </summary>
    public async ValueTask InitializeAsync()
    {
        if (WhyNot is not null)
        {
            return;
        }

        // Step 1
        File.SetUnixFileMode(_directory.Path, (UnixFileMode)0b111_101_101);
        Launcher = new ProcessLauncher(TimeProvider.System, Path.Combine(MeshPrograms.RepositoryRoot(), "out", "test-results", "e2e", "kubernetes"));
        Programs = PodMesh.CopyPrograms(_directory.Path);
        Network = await PodNetwork.CreateAsync(Launcher);
        await Network.LinkMachineAsync(IPAddress.Parse(Machine));
        _hosts = $"10.77.0.2 {ControlPlaneName}\n10.77.0.3 {ControlPlaneName}\n";
        Api = await RealApiServer.StartAsync(controllers: Controllers, address: Machine, hosts: "127.0.0.1 localhost\n" + _hosts);
        Cluster = new Cluster(Api.Client);

        // Step 2
        await KubectlAsync("apply", "--server-side", "-k", Path.Combine(MeshPrograms.RepositoryRoot(), "manifests"));
        foreach (var kind in (string[])["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
        {
            await TurnWebhooksAsync(kind);
        }

        // Step 3
        var kubeconfig = await WriteKubeconfigAsync(await Cluster.TokenAsync(Own, "meshlite-control-plane", null, 24 * 3600));
        Replicas = [.. new[] { await Network.AddAsync("cp-a", 0, 2, _hosts), await Network.AddAsync("cp-b", 0, 3, _hosts) }.Select(pod => new Replica(pod, Programs.ControlPlane, kubeconfig))];
        await Task.WhenAll(Replicas.Select(replica => replica.StartAsync(Kubelet)));
        await Eventually.TrueAsync(
            async () => (await Cluster.FindAsync("ValidatingWebhookConfiguration", null, "meshlite"))!["webhooks"]![0]!["clientConfig"]!["caBundle"] is not null, "the leader writes its authority", Patience);

        // Step 4
        await Cluster.ApplyAsync("apiVersion: v1\nkind: Node\nmetadata: {name: node-a, labels: {topology.kubernetes.io/zone: zone-a}}\n");
        await MeshConfigAsync("Permissive");
        await NamespaceAsync(Shop, "enabled");
    }

    /// <summary>Sets the mode of the whole mesh.</summary>
    public Task MeshConfigAsync(string mode) => Cluster.ApplyAsync($$$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {clusterNetworks: [10.77.0.0/17, 10.96.0.0/16], mtls: {mode: {{{mode}}}}, accessLog: {mode: Failures}}
        """);

    /// <summary>Makes or labels a namespace.</summary>
    public Task NamespaceAsync(string name, string inject) => Cluster.ApplyAsync($$$"""
        apiVersion: v1
        kind: Namespace
        metadata: {name: {{{name}}}, labels: {meshlite.dev/inject: {{{inject}}}}}
        """);

    /// <summary>Declares a Service of the pods labelled with its name, at an address nobody owns; pods added from now on know its name.</summary>
    public async Task ServiceAsync(string name, string ns = Shop)
    {
        var address = string.Create(CultureInfo.InvariantCulture, $"10.96.77.{++_lastService}");
        await Cluster.ApplyAsync($$$"""
            apiVersion: v1
            kind: Service
            metadata: {name: {{{name}}}, namespace: {{{ns}}}}
            spec: {clusterIP: {{{address}}}, selector: {app: {{{name}}}}, ports: [{name: http, port: 80, targetPort: http, protocol: TCP}]}
            """);
        _hosts += $"{address} {name} {name}.{ns}\n";
    }

    /// <summary>Adds a pod and runs it until it is ready.</summary>
    public async Task<KubePod> PodAsync(KubePodSpec spec)
    {
        var y = Interlocked.Increment(ref _lastPod);
        return await KubePod.StartAsync(this, spec, string.Create(CultureInfo.InvariantCulture, $"{spec.App}-{y}"), y);
    }

    /// <summary>A network namespace for one.</summary>
    internal Task<Pod> NamespaceOfAsync(string name, int y) => Network.AddAsync(name, 0, y, _hosts);

    /// <summary>Three replicas of an application with a ledger and somebody who calls it; made once.</summary>
    public async Task<Scene> SceneAsync() => _scene ??= await Scene.CreateAsync(this);

    /// <summary>Who holds the Lease; null: nobody.</summary>
    public async Task<Replica?> LeaderAsync()
    {
        var lease = await Api.Client.FindAsync(ResourceTypes.Leases, new ObjectKey(Own, "meshlite-control-plane"));
        return Replicas.FirstOrDefault(replica => lease?.Spec.HolderIdentity?.StartsWith(replica.Pod.Name, StringComparison.Ordinal) == true);
    }

    /// <summary>As administrator.</summary>
    public async Task<string> KubectlAsync(params string[] arguments) => await Network.RunAsync(Kubectl!, ["--kubeconfig", Api.Kubeconfig, .. arguments]);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Network is not null)
        {
            await Network.DisposeAsync();
            await Launcher.DisposeAsync();
        }

        if (Api is not null)
        {
            await Api.DisposeAsync();
        }

        Kubelet.Dispose();
        _directory.Dispose();
    }

    private async Task TurnWebhooksAsync(string kind)
    {
        var webhooks = (await Cluster.FindAsync(kind, null, "meshlite"))!["webhooks"]!.DeepClone().AsArray();
        foreach (var client in webhooks.Select(webhook => webhook!["clientConfig"]!.AsObject()))
        {
            client["url"] = $"https://{ControlPlaneName}:15017{client["service"]!["path"]!.GetValue<string>()}";
            client.Remove("service");
        }

        await Cluster.PatchAsync(kind, null, "meshlite", new JsonObject { ["webhooks"] = webhooks });
    }

    private async Task<string> WriteKubeconfigAsync(string token)
    {
        var file = _directory["control-plane.kubeconfig"];
        var authority = Convert.ToBase64String(Encoding.ASCII.GetBytes(await File.ReadAllTextAsync(Api.AuthorityFile)));
        await File.WriteAllTextAsync(file, $$$"""
            apiVersion: v1
            kind: Config
            current-context: own
            clusters:
            - {name: real, cluster: {server: "{{{Api.Address}}}", certificate-authority-data: {{{authority}}}}}
            users:
            - {name: own, user: {token: {{{token}}}}}
            contexts:
            - {name: own, context: {cluster: real, user: own}}
            """);
        return file;
    }
}

/// <summary>Tests that share the one <see cref="KubeMesh"/>, one after the other and beside nothing else.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class KubeCollection : ICollectionFixture<KubeMesh>
{
    /// <summary>Of the collection.</summary>
    public const string Name = "Kubernetes";

    /// <summary>Skips the running test where there can be no cluster.</summary>
    public static void Need() => Assert.SkipWhen(KubeMesh.WhyNot is not null, KubeMesh.WhyNot ?? "");
}
