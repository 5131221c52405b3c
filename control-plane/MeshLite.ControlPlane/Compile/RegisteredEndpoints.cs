using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>Endpoints of a service's port among the workloads that registered for it. Pure.</summary>
internal static class RegisteredEndpoints
{
    /// <summary>In no order.</summary>
    public static IEnumerable<EndpointConfig> Of(IndexView view, ServiceKey service, ResolvedPort port)
    {
        if (!view.Workloads.TryGetValue(service, out var workloads))
        {
            return [];
        }

        // Two at one address: a restarted workload whose former self has not been dropped yet. Whether the later one is ready is what counts.
        var newest = new Dictionary<IPEndPoint, WorkloadRegistration>();
        foreach (var workload in workloads.Values)
        {
            if (!newest.TryGetValue(workload.Address, out var other) || workload.Sequence > other.Sequence)
            {
                newest[workload.Address] = workload;
            }
        }

        return newest.Values
            .Where(w => w.IsEndpoint && (w.Transparent || (port.TargetPort ?? w.AppPort) == w.AppPort))
            .Select(w => new EndpointConfig
            {
                Address = w.AddressOf(port.TargetPort ?? w.AppPort),
                Identity = new SpiffeId(view.TrustDomain, w.Key.Namespace, w.Key.ServiceAccount),
                Workload = w.Key.Name,
                Labels = w.Labels,
            });
    }
}
