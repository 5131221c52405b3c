using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MeshLite.ControlPlane;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Identity;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using MeshLite.TestKit.Kubernetes;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests.Cluster;

/// <summary>
/// A mesh of a cluster in one process: an API server, the real control plane that watches it, and Pods, each a real application with a real sidecar
/// and an address of its own (127.1.0.N). Nothing is captured here, so a Pod's sidecar listens on the port where its application would.
/// </summary>
internal sealed class ClusterMesh : IAsyncDisposable
{
    private const string Namespace = "meshlite-system";

    private readonly TestDirectory _files = new();
    private readonly List<HttpApp> _apps = [];
    private readonly List<SidecarComponents> _sidecars = [];
    private readonly int _port = FreePort();
    private ControlPlaneHost? _host;
    private IPEndPoint _grpc = new(IPAddress.Loopback, 0);

    private ClusterMesh(FakeApiServer api) => Api = api;

    public FakeApiServer Api { get; }

    public static async Task<ClusterMesh> StartAsync()
    {
        var mesh = new ClusterMesh(await FakeApiServer.StartAsync());
        mesh.Api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
        await mesh.StartControlPlaneAsync();
        return mesh;
    }

    /// <summary>Starts, at the address it had before if it ran before.</summary>
    public async Task StartControlPlaneAsync()
    {
        var options = new ControlPlaneOptions
        {
            Grpc = _grpc, Telemetry = new IPEndPoint(IPAddress.Loopback, 0), Webhook = new IPEndPoint(IPAddress.Loopback, 0),
            Cluster = new ClusterOptions { Kubeconfig = Api.WriteKubeconfig(_files["kubeconfig"]), Namespace = Namespace },
        };
        _host = await ControlPlaneHost.StartAsync(options, TimeProvider.System, logging => logging.ClearProviders(), CancellationToken.None);
        _grpc = _host.GrpcEndPoint;
        await _host.WhenReady;
        var secret = Api.Find(ResourceTypes.Secrets, new ObjectKey(Namespace, AuthoritySecret.Name))!;
        await File.WriteAllBytesAsync(_files["ca.pem"], Convert.FromBase64String((string)secret["data"]!["ca.crt"]!));
    }

    public async Task StopControlPlaneAsync()
    {
        await _host!.DisposeAsync();
        _host = null;
    }

    /// <summary>A Pod called <c>orders-1</c>, of the service account <c>orders</c>, which answers with its name; ready to serve, in no Service yet.</summary>
    public async Task<SidecarComponents> PodAsync(string name)
    {
        var app = await HttpApp.StartAsync(name);
        _apps.Add(app);
        return await SidecarAsync(name, app.Port);
    }

    /// <summary>A Pod without sidecar: its application itself listens at its address.</summary>
    public async Task BarePodAsync(string name, RequestDelegate? handler = null, HttpProtocols protocols = HttpProtocols.Http1)
    {
        _apps.Add(await HttpApp.StartAsync(name, handler, protocols, address: new IPEndPoint(AddressOf(name), _port)));
        PutPod(name, isInjected: false);
    }

    /// <summary>A sidecar whose application only calls others.</summary>
    public Task<SidecarComponents> ClientAsync(string name) => SidecarAsync(name, null);

    /// <summary>A Service, port 80, and its slice: <c>orders-1</c> ready, <c>orders-1!</c> not.</summary>
    public void PutService(string name, params string[] endpoints)
    {
        Api.Put($"{{apiVersion: v1, kind: Service, metadata: {{name: {name}, namespace: shop}}, spec: {{clusterIP: 10.96.0.1, ports: [{{port: 80, targetPort: {_port}, protocol: TCP}}]}}}}");
        PutSlice(name, endpoints);
    }

    /// <summary>Until the control plane knows endpoints of a service, which its API server tells it when it gets to it.</summary>
    public Task KnownAsync(string service) =>
        Eventually.TrueAsync(() => EndpointCompiler.Compile(_host!.View, new ServiceRef("shop", service, 80)).Endpoints.Length > 0, $"endpoints of {service} are known");

    public void PutSlice(string service, params string[] endpoints) => Api.Put($$"""
        {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: {{service}}-1, namespace: shop, labels: {kubernetes.io/service-name: {{service}} } }, addressType: IPv4,
         ports: [{name: "", port: {{_port}}, protocol: TCP}], endpoints: [{{string.Join(", ", endpoints.Select(Endpoint))}}]}
        """);

    public async ValueTask DisposeAsync()
    {
        foreach (var sidecar in _sidecars)
        {
            await sidecar.Kestrel.StopAsync(new CancellationToken(canceled: true));
            await sidecar.DisposeAsync();
        }

        foreach (var app in _apps)
        {
            await app.DisposeAsync();
        }

        if (_host is not null)
        {
            await StopControlPlaneAsync();
        }

        await Api.DisposeAsync();
        _files.Dispose();
    }

    private async Task<SidecarComponents> SidecarAsync(string name, int? appPort)
    {
        var account = name.Split('-')[0];
        await File.WriteAllTextAsync(_files[$"{name}.token"], Api.IssueToken("shop", account, JoinToken.Audience));
        PutPod(name, isInjected: true);
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        var sidecar = SidecarComponents.Create(
            new SidecarOptions
            {
                ControlPlane = new Uri($"https://{_grpc}"), ControlPlaneCa = _files["ca.pem"], TokenFile = _files[$"{name}.token"], Workload = name, AppPort = appPort,
                Labels = ImmutableSortedDictionary<string, string>.Empty, Inbound = new IPEndPoint(AddressOf(name), _port), Outbound = any, Admin = any, Telemetry = any, StateDir = _files[name],
                FirstAnswerTimeout = MeshFixture.FirstAnswerTimeout,
            },
            new LogLevels(LogLevel.Warning), TimeProvider.System, null);
        _sidecars.Add(sidecar);
        await sidecar.Server.StartAsync(sidecar.Kestrel, sidecar.Application);
        sidecar.Bind();
        sidecar.StartIdentity();
        sidecar.StartLoops();
        await MeshFixture.ReadyAsync(sidecar);
        return sidecar;
    }

    private void PutPod(string name, bool isInjected) => Api.Put($$"""
        {apiVersion: v1, kind: Pod, metadata: {name: {{name}}, namespace: shop}, spec: {serviceAccountName: {{name.Split('-')[0]}}, containers: [{name: {{(isInjected ? "meshlite-sidecar" : "app")}} }]},
         status: {phase: Running, podIP: {{AddressOf(name)}} } }
        """);

    private static string Endpoint(string pod)
    {
        var (name, ready) = (pod.TrimEnd('!'), pod[^1] == '!' ? "false" : "true");
        return $"{{addresses: [{AddressOf(name)}], conditions: {{ready: {ready}, serving: {ready}, terminating: false}}, targetRef: {{kind: Pod, namespace: shop, name: {name}}}}}";
    }

    private static IPAddress AddressOf(string pod) => new([127, 1, 0, byte.Parse(pod.Split('-')[^1], CultureInfo.InvariantCulture)]);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
