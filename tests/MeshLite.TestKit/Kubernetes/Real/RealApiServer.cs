using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Connection;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.TestKit.Kubernetes.Real;

/// <summary>
/// A real etcd and kube-apiserver on free ports of this machine, with certificates of their own, as envtest starts them; gone when disposed. Programs come from
/// <c>KUBEBUILDER_ASSETS</c> (default <c>/usr/local/kubebuilder/bin</c>); without them <see cref="WhyNot"/> says why tests are skipped.
/// </summary>
public sealed class RealApiServer : IAsyncDisposable
{
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(90);

    private readonly RealCertificates _certificates;
    private readonly ChildProcess _etcd;
    private readonly ChildProcess _apiServer;
    private readonly ChildProcess? _controllers;
    private readonly int _etcdPort = FreePort();
    private readonly int _port = FreePort();

    private RealApiServer(string[] apiServerFlags, string? controllers, string address, string? hosts)
    {
        Address = $"https://{address}:{_port}";
        _certificates = new RealCertificates(address);
        var directory = _certificates.Directory;
        _etcd = new ChildProcess(Program("etcd"), directory["etcd.log"],
        [
            "--name=default", $"--data-dir={directory["etcd"]}", "--unsafe-no-fsync", "--log-level=warn", $"--listen-client-urls=http://127.0.0.1:{_etcdPort}",
            $"--advertise-client-urls=http://127.0.0.1:{_etcdPort}", "--listen-peer-urls=http://127.0.0.1:0",
        ]);
        string[] server = hosts is null ? [Program("kube-apiserver")] : [.. Knowing(directory, hosts), Program("kube-apiserver")];
        _apiServer = new ChildProcess(server[0], directory["kube-apiserver.log"],
        [
            .. server[1..], $"--bind-address={address}", $"--secure-port={_port}", $"--cert-dir={directory.Path}", $"--etcd-servers=http://127.0.0.1:{_etcdPort}",
            $"--tls-cert-file={_certificates.ServerCertificate}", $"--tls-private-key-file={_certificates.ServerKey}", $"--client-ca-file={_certificates.Authority}",
            "--authorization-mode=RBAC", "--allow-privileged=true", "--service-cluster-ip-range=10.96.0.0/16",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local", $"--service-account-key-file={_certificates.TokenPublicKey}",
            $"--service-account-signing-key-file={_certificates.TokenKey}", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
            .. controllers is null ? ["--disable-admission-plugins=ServiceAccount"] : (string[])[],
            .. apiServerFlags,
        ]);
        if (controllers is not null)
        {
            _controllers = new ChildProcess(Program("kube-controller-manager"), directory["kube-controller-manager.log"],
            [
                $"--kubeconfig={_certificates.WriteKubeconfig("controllers.kubeconfig", Address)}", "--bind-address=127.0.0.1", "--secure-port=0", $"--controllers={controllers}",
                "--use-service-account-credentials=true", "--leader-elect=false", "--allocate-node-cidrs=false", $"--service-account-private-key-file={_certificates.TokenKey}",
                $"--root-ca-file={_certificates.Authority}",
            ]);
        }

        Kubeconfig = _certificates.WriteKubeconfig("admin.kubeconfig", Address);
        Connection = ClusterConnection.FromKubeconfig(Kubeconfig);
        Client = new KubernetesClient(Connection);
    }

    /// <summary>Why there is none here; null: there is.</summary>
    public static string? WhyNot =>
        File.Exists(Program("kube-apiserver")) && File.Exists(Program("etcd")) ? null : $"no kube-apiserver and etcd in {Assets}: KUBEBUILDER_ASSETS names their folder";

    /// <summary>Why there is no controller-manager here; null: there is.</summary>
    public static string? WhyNoControllers => WhyNot ?? (File.Exists(Program("kube-controller-manager")) ? null : $"no kube-controller-manager in {Assets}");

    /// <summary>Of an administrator.</summary>
    public string Kubeconfig { get; }

    /// <summary>As administrator.</summary>
    public ClusterConnection Connection { get; }

    /// <summary>As administrator.</summary>
    public KubernetesClient Client { get; }

    /// <summary>Its address.</summary>
    public string Address { get; }

    /// <summary>File with the PEM of the authority of its certificate.</summary>
    public string AuthorityFile => _certificates.Authority;

    private static string Assets => Environment.GetEnvironmentVariable("KUBEBUILDER_ASSETS") is { Length: > 0 } set ? set : "/usr/local/kubebuilder/bin";

    /// <summary>Starts both, and waits until <c>default</c> is there.</summary>
    /// <param name="apiServerFlags">More flags of kube-apiserver.</param>
    /// <param name="controllers">Controllers to run, as kube-controller-manager names them; null: no controller-manager, and no ServiceAccount admission.</param>
    /// <param name="address">Of this machine: where it listens.</param>
    /// <param name="hosts">Its own <c>/etc/hosts</c>, for webhooks by name; needs root. Null: the machine's.</param>
    public static async Task<RealApiServer> StartAsync(string[]? apiServerFlags = null, string? controllers = null, string address = "127.0.0.1", string? hosts = null)
    {
        var server = new RealApiServer(apiServerFlags ?? [], controllers, address, hosts);
        try
        {
            server._etcd.Start();
            await server.WaitForEtcdAsync();
            await server.StartApiServerAsync();
            server._controllers?.Start();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts kube-apiserver again, or for the first time.</summary>
    public async Task StartApiServerAsync()
    {
        _apiServer.Start();
        await Eventually.TrueAsync(
            async () =>
            {
                if (_apiServer.HasExited)
                {
                    throw new InvalidOperationException($"kube-apiserver ended: {_apiServer.LogTail()}");
                }

                try
                {
                    return await Client.FindAsync(ResourceTypes.Namespaces, new ObjectKey(null, "default")) is not null;
                }
                catch (Exception error) when (KubernetesException.IsServerFailure(error))
                {
                    return false;
                }
            },
            "kube-apiserver serves the namespace default",
            StartPatience);
    }

    /// <summary>Kills kube-apiserver.</summary>
    public Task StopApiServerAsync() => _apiServer.StopAsync();

    /// <summary>Holds kube-apiserver, or lets it go on: connections stay open, nothing is answered (SIGSTOP, SIGCONT).</summary>
    public void Hang(bool on) => _apiServer.Signal(on ? "STOP" : "CONT");

    /// <summary>Makes etcd forget all history; the API server's own memory goes only with a restart.</summary>
    public async Task CompactAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var range = await PostAsync(http, "kv/range", new JsonObject { ["key"] = "AA==" });
        await PostAsync(http, "kv/compaction", new JsonObject { ["revision"] = (string)range["header"]!["revision"]!, ["physical"] = true });
    }

    /// <summary>A token of a service account, which is made if it is missing.</summary>
    public async Task<string> IssueTokenAsync(string ns, string serviceAccount, string audience)
    {
        try
        {
            await Client.CreateAsync(
                ResourceTypes.Raw("", "v1", "serviceaccounts", "ServiceAccount", isNamespaced: true),
                RawObject.Parse($$$"""{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "{{{ns}}}", "name": "{{{serviceAccount}}}"}}"""));
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.AlreadyExists)
        {
        }

        var request = ResourceTypes.Raw("", "v1", $"serviceaccounts/{serviceAccount}/token", "TokenRequest", isNamespaced: true);
        var answer = await Client.CreateAsync(request, RawObject.Parse(
            $$$"""{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {"namespace": "{{{ns}}}"}, "spec": {"audiences": ["{{{audience}}}"], "expirationSeconds": 3600}}"""));
        return answer.Json.GetProperty("status").GetProperty("token").GetString()!;
    }

    /// <summary>Ends of the logs, for a test that failed.</summary>
    public string LogTail() => _apiServer.LogTail();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await (_controllers?.StopAsync() ?? Task.CompletedTask);
        await _apiServer.StopAsync();
        await _etcd.StopAsync();
        _certificates.Dispose();
    }

    private static string Program(string name) => Path.Combine(Assets, name);

    // A mount namespace of its own, in which that file lies over the machine's. Each program replaces the one before: signals reach the server.
    private static string[] Knowing(TestDirectory directory, string hosts)
    {
        File.WriteAllText(directory["hosts"], hosts);
        return ["unshare", "--mount", "sh", "-ec", "mount --bind \"$0\" /etc/hosts; exec \"$@\"", directory["hosts"]];
    }

    private async Task WaitForEtcdAsync()
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    return (await http.GetStringAsync($"http://127.0.0.1:{_etcdPort}/health")).Contains("true", StringComparison.Ordinal);
                }
                catch (HttpRequestException error)
                {
                    return _etcd.HasExited ? throw new InvalidOperationException($"etcd ended: {_etcd.LogTail()}", error) : false;
                }
            },
            "etcd is healthy",
            StartPatience);
    }

    private async Task<JsonNode> PostAsync(HttpClient http, string path, JsonObject body)
    {
        using var content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var response = await http.PostAsync($"http://127.0.0.1:{_etcdPort}/v3/{path}", content);
        response.EnsureSuccessStatusCode();
        return JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
