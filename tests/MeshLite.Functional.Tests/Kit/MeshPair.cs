using System.Net.Http.Json;
using System.Text.Json;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// The mesh most tests need: <c>frontend</c>'s sidecar calls <c>orders</c>, whose one endpoint is the sidecar beside an
/// application that the test has started.
/// </summary>
internal sealed class MeshPair : IAsyncDisposable
{
    private readonly HttpClient _admin = new();

    private MeshPair(MeshFixture mesh, SidecarComponents client, SidecarComponents server)
    {
        Mesh = mesh;
        Client = client;
        Server = server;
    }

    public MeshFixture Mesh { get; }

    /// <summary>Beside the caller.</summary>
    public SidecarComponents Client { get; }

    /// <summary>Beside the application.</summary>
    public SidecarComponents Server { get; }

    public static async Task<MeshPair> StartAsync(int appPort, MtlsMode mtls = MtlsMode.Permissive, Action<FakeControlPlane>? configure = null)
    {
        var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Mtls = mtls;
        configure?.Invoke(mesh.ControlPlane);
        var server = await mesh.SidecarAsync("orders", appPort);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        return new MeshPair(mesh, client, server);
    }

    /// <summary>A client library's view: requests to <c>http://orders/…</c>.</summary>
    public HttpClient Http(bool http2 = false) => MeshFixture.Client(Client, http2);

    /// <summary>A connection to the caller's sidecar.</summary>
    public Task<Wire> WireAsync() => Wire.OpenAsync(Client.OutboundAddress);

    /// <summary>A tunnel to the application, open.</summary>
    public async Task<Wire> TunnelAsync()
    {
        var wire = await WireAsync();
        await wire.SendAsync("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n");
        (await wire.ReadMessageAsync(hasBody: false))!.Status.ShouldBe(200);
        return wire;
    }

    /// <summary>What a sidecar says of the connections it has open (HTTP and tunnels).</summary>
    public async Task<int> ConnectionsAsync(SidecarComponents of) => (await AdminAsync(of, "stats")).GetProperty("connections").GetInt32();

    /// <summary>Requests the caller's sidecar has sent to endpoints and sees unanswered.</summary>
    public async Task<int> InFlightAsync() => (await AdminAsync(Client, "clusters")).EnumerateArray()
        .SelectMany(destination => destination.GetProperty("backends").EnumerateArray())
        .SelectMany(backend => backend.GetProperty("endpoints").EnumerateArray())
        .Sum(endpoint => endpoint.GetProperty("inFlight").GetInt32());

    /// <summary>Returns once nothing is in flight and no caller's connection is left; those between sidecars and to the admin interface may be.</summary>
    public async Task IdleAsync()
    {
        await IdleInFlightAsync();
        await Eventually.TrueAsync(async () => await ConnectionsAsync(Client) == 0, "no connection of a caller left");
    }

    /// <summary>Returns once nothing is in flight.</summary>
    public Task IdleInFlightAsync() => Eventually.TrueAsync(async () => await InFlightAsync() == 0, "nothing in flight");

    /// <summary>Puts these policies in force at the application's sidecar, and no others.</summary>
    public async Task AuthorizeAsync(params AuthorizationPolicyConfig[] policies)
    {
        Mesh.ControlPlane.Authorization = [.. policies];
        await PublishWorkloadsAsync();
    }

    /// <summary>Tells the sidecars of their workloads as the control plane has them now; returns once the application's has it in force.</summary>
    public async Task PublishWorkloadsAsync()
    {
        var versions = Mesh.ControlPlane.PublishWorkloads();
        await Eventually.TrueAsync(async () =>
        {
            var config = await _admin.GetStringAsync(new Uri($"http://{Server.Server.AdminAddress}/config"));
            return versions.Any(version => config.Contains(version, StringComparison.Ordinal));
        }, "the workload is in force");
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await Mesh.DisposeAsync();
    }

    private Task<JsonElement> AdminAsync(SidecarComponents of, string what) =>
        _admin.GetFromJsonAsync<JsonElement>(new Uri($"http://{of.Server.AdminAddress}/{what}"));
}
