using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// Endpoints of a Service's port as its EndpointSlices say, joined with the Pods they are. Pure.
/// <list type="bullet">
/// <item>In rotation is what is ready and not terminating; where nothing is, what terminates and still serves, as kube-proxy does.</item>
/// <item>An injected Pod has its identity; others, and ports that are not captured, are called in plaintext.</item>
/// <item>A slice that names a Pod nobody knows (yet), or an address which that Pod does not have, gives no endpoint: whether it is in
/// the mesh cannot be told, and what is in the mesh is never called in plaintext.</item>
/// <item>Of a Service with addresses of both families the Service's own first one is used: each Pod once.</item>
/// </list>
/// </summary>
internal static class SliceEndpoints
{
    /// <summary>In no order.</summary>
    public static IEnumerable<EndpointConfig> Of(IndexView view, ServiceKey service, ResolvedPort port)
    {
        var slices = SlicesOf(view, service);
        if (slices.Count == 0)
        {
            return [];
        }

        // One endpoint may stand in two slices while the controller moves it: then the one that is ready counts.
        var candidates = new Dictionary<IPEndPoint, Candidate>();
        foreach (var slice in slices)
        {
            foreach (var target in slice.Ports.Where(p => p.Name == port.Name).Take(1))
            {
                foreach (var endpoint in slice.Endpoints)
                {
                    var address = new IPEndPoint(endpoint.Address, target.Port);
                    if (MakeEndpoint(view, endpoint, address) is { } config
                        && (!candidates.TryGetValue(address, out var other) || (!other.IsInRotation && endpoint.Ready)))
                    {
                        candidates[address] = new Candidate(config, endpoint.Ready && !endpoint.Terminating, endpoint.Serving && endpoint.Terminating);
                    }
                }
            }
        }

        var isAnyReady = candidates.Values.Any(c => c.IsInRotation);
        return candidates.Values.Where(c => isAnyReady ? c.IsInRotation : c.IsLastResort).Select(c => c.Endpoint);
    }

    /// <summary>Addresses whose owner nobody but the index knows: those of slices that name no Pod.</summary>
    public static IEnumerable<IndexKey> DependsOn(IndexView view, ServiceKey service) =>
        view.Cluster.SlicesOfService(service).SelectMany(slice => slice.Endpoints).Where(e => e.Pod is null).Select(e => IndexKey.OfAddress(e.Address));

    private static List<EndpointSliceResource> SlicesOf(IndexView view, ServiceKey service)
    {
        var all = view.Cluster.SlicesOfService(service).Where(slice => !slice.Endpoints.IsEmpty).ToList();
        var preferred = view.DocumentOf(service)?.Family;
        return all.Exists(s => s.Family == preferred) ? all.FindAll(s => s.Family == preferred) : all;
    }

    private static EndpointConfig? MakeEndpoint(IndexView view, SliceEndpoint endpoint, IPEndPoint address)
    {
        var pod = endpoint.Pod is { } key ? view.Cluster.Pods.GetValueOrDefault(key) : view.Cluster.PodAt(endpoint.Address);
        if (endpoint.Pod is not null && pod?.Addresses.Contains(endpoint.Address) != true)
        {
            return null;
        }

        return pod is null
            ? new EndpointConfig { Address = address }
            : new EndpointConfig
            {
                Address = address,
                Identity = pod.InMesh && !pod.UncapturedPorts.Contains(address.Port) ? new SpiffeId(view.TrustDomain, pod.Key.Namespace, pod.ServiceAccount) : null,
                Workload = pod.Key.Name,
                Labels = pod.Labels,
            };
    }

    private readonly record struct Candidate(EndpointConfig Endpoint, bool IsInRotation, bool IsLastResort);
}
