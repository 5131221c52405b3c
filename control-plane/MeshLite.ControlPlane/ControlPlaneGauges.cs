using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.Metrics;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane;

/// <summary>Series read when somebody scrapes, from parts that know nothing of metrics.</summary>
internal static class ControlPlaneGauges
{
    /// <summary>Registers them.</summary>
    public static void Register(
        MetricRegistry registry, MeshIndex index, Publisher publisher, WorkloadRegistry? workloads, IdentityModule identity, AuthorityKeeper authority, ReasonCounter failedCalls)
    {
        registry.AddGaugeCallback("meshlite_config_resources", "Documents in force, by kind.", ["kind"], samples =>
        {
            var counts = index.View.Resources.Keys.CountBy(k => k.Kind).ToDictionary();
            foreach (var kind in Enum.GetValues<ResourceKind>())
            {
                samples.Add(counts.GetValueOrDefault(kind), kind.ToString());
            }
        });
        registry.AddGaugeCallback("meshlite_workloads_registered", "Workloads registered, those whose stream broke less than 10 s ago among them.", () => workloads?.Count ?? 0);
        registry.AddGaugeCallback("meshlite_cluster_objects", "Pods, EndpointSlices that belong to a Service, and Namespaces known of the cluster.", ["kind"], samples =>
        {
            var cluster = index.View.Cluster;
            samples.Add(cluster.Pods.Count, "Pod");
            samples.Add(cluster.Slices.Count, "EndpointSlice");
            samples.Add(cluster.Namespaces.Count, "Namespace");
        });
        registry.AddGaugeCallback("meshlite_config_refused", "Objects of the cluster that are stored but cannot be read.", () => index.View.Refusals.Count);
        registry.AddGaugeCallback("meshlite_config_published", "Compiled resources that some sidecar is subscribed to.", () => publisher.Count);
        registry.AddCounterCallback("meshlite_certifications_total", "Certificates signed (token, renewal), and refused by reason.", ["outcome"], samples =>
        {
            foreach (var (outcome, count) in identity.Certifications.Snapshot())
            {
                samples.Add(count, outcome);
            }
        });
        registry.AddCounterCallback("meshlite_authority_refused_total", "Authorities offered by files or Secret that are none; the one in force stayed.", () => authority.Refusals);
        registry.AddCounterCallback("meshlite_handshakes_refused_total", "TLS handshakes that failed: client certificates refused, by reason, and those that came to nothing (tls).", ["reason"], samples =>
        {
            foreach (var (reason, count) in identity.RefusedHandshakes.Snapshot())
            {
                samples.Add(count, reason);
            }
        });
        registry.AddCounterCallback("meshlite_grpc_calls_failed_total", "Calls of gRPC that ended with another status than OK, by method and status.", ["method", "status"], samples =>
        {
            foreach (var (failure, count) in failedCalls.Snapshot())
            {
                var space = failure.IndexOf(' ', StringComparison.Ordinal);
                samples.Add(count, failure[..space], failure[(space + 1)..]);
            }
        });
        registry.AddProcessMetrics();
        registry.AddRuntimeMetrics();
    }
}
