using System.Globalization;
using System.Text.RegularExpressions;

namespace MeshLite.E2E.Pods.Kit;

/// <summary>
/// Servers and a caller twice: meshed, called by the service's name; and without the mesh, called at the server's address.
/// Made once, by the first test that needs it.
/// </summary>
public sealed partial class MeshedPair
{
    private static Task<MeshedPair>? _made;

    private MeshedPair(PodSidecar caller, PodSidecar server, Pod plainCaller, Pod plainServer)
    {
        Caller = caller;
        Server = server;
        PlainCaller = plainCaller;
        PlainServer = plainServer;
    }

    /// <summary>Name of the service.</summary>
    public const string Service = "backend";

    /// <summary>Calls.</summary>
    public PodSidecar Caller { get; }

    /// <summary>Is called.</summary>
    public PodSidecar Server { get; }

    /// <summary>Calls, without a sidecar.</summary>
    public Pod PlainCaller { get; }

    /// <summary>Is called, without a sidecar; outside the cluster's networks.</summary>
    public Pod PlainServer { get; }

    /// <summary>The pair of this mesh.</summary>
    public static Task<MeshedPair> OfAsync(PodMesh mesh) => _made ??= MakeAsync(mesh);

    /// <summary>Requests and tunnels that reached the server by mTLS so far.</summary>
    public async Task<double> ArrivedAsync()
    {
        var metrics = await Server.GetAsync(15020, "/metrics");
        return Arrival().Matches(metrics).Sum(match => double.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture));
    }

    private static async Task<MeshedPair> MakeAsync(PodMesh mesh)
    {
        mesh.Service(Service, 7, PodServers.ServicePorts);
        var (server, plainServer) = (await mesh.PodAsync("server"), await mesh.PodAsync("plain", outside: true));
        var (caller, plainCaller) = (await mesh.PodAsync("caller"), await mesh.PodAsync("plaincaller", outside: true));
        await Task.WhenAll(PodServers.StartAsync(mesh, server), PodServers.StartAsync(mesh, plainServer));
        var sidecars = await Task.WhenAll(mesh.MeshAsync(server, "app", Service, 8080, "--health-path", "/hello"), mesh.MeshAsync(caller, "caller"));
        await PodMesh.ReachesAsync(caller, $"http://{Service}/hello");
        return new MeshedPair(sidecars[1], sidecars[0], plainCaller, plainServer);
    }

    [GeneratedRegex("""^meshlite_(requests_total|tcp_connections_opened_total)\{direction="inbound".*tls="true".*\} (?<count>\S+)""", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Arrival();
}
