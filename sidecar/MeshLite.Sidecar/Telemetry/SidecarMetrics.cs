using MeshLite.Metrics;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Identity;
using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>The gauges and counters that are read from the parts when scraped, rather than written by them.</summary>
internal static class SidecarMetrics
{
    /// <summary>Registers them; called once.</summary>
    public static void Register(
        MetricRegistry metrics, WorkloadIdentity identity, ConfigStream stream, MeshState mesh, ConnectionTracker connections, TimeProvider time)
    {
        metrics.AddGaugeCallback("meshlite_connections", "HTTP connections and tunnels open now.", () => connections.Count);
        metrics.AddGaugeCallback("meshlite_certificate_expiry_seconds", "Seconds until this workload's certificate expires; negative: it has.",
            () => identity.Current is { } current ? (current.NotAfter - time.GetUtcNow()).TotalSeconds : 0);
        metrics.AddGaugeCallback("meshlite_certificate_lifetime_seconds", "How long this workload's certificate lives altogether; 0: it has none.",
            () => identity.Current is { } current ? (current.NotAfter - SvidProfile.IssuedAt(current.NotBefore, current.NotAfter)).TotalSeconds : 0);
        metrics.AddGaugeCallback("meshlite_config_age_seconds", "Seconds since the control plane last confirmed this configuration.", () => stream.Age.TotalSeconds);
        metrics.AddCounterCallback("meshlite_config_rejected_total", "Resources of the configuration stream refused.", () => stream.Rejected);
        metrics.AddGaugeCallback("meshlite_destinations", "Destinations subscribed.", () => mesh.Destinations.Count());
        metrics.AddProcessMetrics();
        metrics.AddRuntimeMetrics();
    }
}
