using System.Net;
using MeshLite.ControlPlane;
using MeshLite.ControlPlane.Listeners;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>A control plane of a cluster with all its ports, and what it logs.</summary>
public sealed class ClusterPlane : IAsyncLifetime
{
    private readonly TestDirectory _directory = new();

    internal FakeApiServer Api { get; private set; } = null!;

    internal ControlPlaneHost Host { get; private set; } = null!;

    internal LogCapture Logs { get; } = new();

    internal ControlPlanePorts Ports { get; init; } = new();

    public async ValueTask InitializeAsync()
    {
        Api = await FakeApiServer.StartAsync();
        Api.Put("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system}}");
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        Host = await ControlPlaneHost.StartAsync(
            new ControlPlaneOptions
            {
                Cluster = new ClusterOptions { Kubeconfig = Api.WriteKubeconfig(_directory["kubeconfig"]), Namespace = "meshlite-system" },
                Grpc = any, Telemetry = any, Webhook = any, Ports = Ports,
            },
            TimeProvider.System, logging => logging.ClearProviders().AddProvider(Logs), CancellationToken.None);
    }

    /// <summary>Connections of a listener that were refused; <paramref name="reason"/> null: whatever the reason.</summary>
    internal async Task<double> RefusedAsync(string listener, string? reason = null) => (await Scrape.OfAsync(Host.TelemetryEndPoint)).Sum(
        "meshlite_connections_refused_total", reason is null ? [("listener", listener)] : [("listener", listener), ("reason", reason)]);

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await Api.DisposeAsync();
        _directory.Dispose();
    }
}
