using MeshLite.Model;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Who makes the spans (https://opentelemetry.io/docs/specs/semconv/resource/#service): the service, or the workload where
/// it serves none. Immutable.
/// </summary>
internal sealed record SpanResource(string Name, string Namespace, string Instance, string Version)
{
    /// <summary>Of this sidecar's workload.</summary>
    public static SpanResource Of(WorkloadConfig? workload) => workload is null
        ? new SpanResource("unknown_service", "", "", "")
        : new SpanResource(workload.Service?.Name ?? workload.Workload, workload.Identity.Namespace, workload.Workload, workload.Version);
}
