using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using MeshLite.TestKit.Kubernetes;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests.Proofs;

/// <summary>
/// Who the rows of the table knock at: two sidecars under Strict, a control plane of one machine and one of a cluster, each with all it logs. One for all
/// rows, which look at what has come since.
/// </summary>
public sealed class ProofMesh : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();
    private MeshFixture _mesh = null!;
    private WireApp _app = null!;
    private int _services;

    internal SidecarComponents Server { get; private set; } = null!;

    internal SidecarComponents Client { get; private set; } = null!;

    internal LogCapture ServerLogs { get; } = new();

    internal LogCapture ClientLogs { get; } = new();

    internal LogCapture PlaneLogs { get; } = new();

    internal LogCapture ClusterLogs { get; } = new();

    internal ControlPlaneHost Plane { get; private set; } = null!;

    internal ControlPlaneHost Cluster { get; private set; } = null!;

    internal FakeApiServer Api { get; private set; } = null!;

    /// <summary>The sidecars'.</summary>
    internal TestAuthority Authority { get; private set; } = null!;

    /// <summary>The one machine's.</summary>
    internal TestAuthority PlaneAuthority { get; private set; } = null!;

    internal string PlaneData => _directory["data"];

    /// <summary>What the application beside <see cref="Server"/> was asked.</summary>
    internal int Received => _app.Received.Count;

    public async ValueTask InitializeAsync()
    {
        _app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        _mesh = await MeshFixture.StartAsync();
        _mesh.ControlPlane.Mtls = Model.MtlsMode.Strict;
        Server = await _mesh.SidecarAsync(new TestSidecar("orders", _app.Port) { Logs = ServerLogs });
        Client = await _mesh.SidecarAsync(new TestSidecar("frontend") { Logs = ClientLogs });
        Authority = TlsPeer.AuthorityOf(_mesh.ControlPlane);

        Directory.CreateDirectory(_directory["config"]);
        Plane = await StartAsync(new ControlPlaneOptions { ConfigDirectory = _directory["config"], DataDirectory = PlaneData }, PlaneLogs);
        PlaneAuthority = TestAuthority.From(X509Certificate2.CreateFromPemFile(Path.Combine(PlaneData, "ca.pem"), Path.Combine(PlaneData, "ca.key")), TimeProvider.System);

        Api = await FakeApiServer.StartAsync();
        Api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
        Cluster = await StartAsync(new ControlPlaneOptions { Cluster = new ClusterOptions { Kubeconfig = Api.WriteKubeconfig(_directory["kubeconfig"]), Namespace = "meshlite-system" } }, ClusterLogs);
    }

    public async ValueTask DisposeAsync()
    {
        await Cluster.DisposeAsync();
        await Api.DisposeAsync();
        await Plane.DisposeAsync();
        await _mesh.DisposeAsync();
        await _app.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>A service whose one endpoint is there, and must be <c>orders</c>. Its name.</summary>
    internal string ServiceAt(int port)
    {
        var name = $"row-{++_services}";
        _mesh.Service(
            new RouteRuleConfig { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] }, name,
            (new IPEndPoint(IPAddress.Loopback, port), SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders")));
        return name;
    }

    /// <summary>Asks a control plane for a certificate.</summary>
    internal static async Task<CertifyResponse> CertifyAsync(ControlPlaneHost at, byte[] csr, string? token, X509Certificate2? show)
    {
        using var invoker = Connect(at, show);
        return await Channel(at, invoker).UnaryAsync(
            MeshMethods.IdentityCertify, new CertifyRequest { Csr = Google.Protobuf.ByteString.CopyFrom(csr) },
            new GrpcCallOptions { Metadata = token is null ? [] : new() { { "authorization", $"Bearer {token}" } } }, TestContext.Current.CancellationToken);
    }

    /// <summary>Opens a configuration stream and says nothing.</summary>
    internal static async Task<GrpcException> StreamAsync(ControlPlaneHost at, X509Certificate2? show)
    {
        using var invoker = Connect(at, show);
        using var call = Channel(at, invoker).Duplex(MeshMethods.ConfigurationStream, new GrpcCallOptions(), TestContext.Current.CancellationToken);
        return await Should.ThrowAsync<GrpcException>(async () => await call.ReadAsync());
    }

    private static GrpcChannel Channel(ControlPlaneHost at, HttpMessageInvoker invoker) => new(new Uri($"https://{at.GrpcEndPoint}"), invoker, new GrpcChannelOptions(), TimeProvider.System);

    private static HttpMessageInvoker Connect(ControlPlaneHost at, X509Certificate2? show) => new(new SocketsHttpHandler
    {
        SslOptions = new SslClientAuthenticationOptions
        {
            TargetHost = at.GrpcEndPoint.Address.ToString(),
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            ClientCertificateContext = show is null ? null : SslStreamCertificateContext.Create(show, null, offline: true),
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        },
    });

    private static Task<ControlPlaneHost> StartAsync(ControlPlaneOptions options, LogCapture logs)
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        return ControlPlaneHost.StartAsync(
            options with { Grpc = any, Telemetry = any, Webhook = any }, TimeProvider.System,
            logging => logging.ClearProviders().AddProvider(logs).SetMinimumLevel(LogLevel.Debug), CancellationToken.None);
    }
}
