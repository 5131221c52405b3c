using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>The ready endpoints of one port of a service. Pure.</summary>
public static class EndpointCompiler
{
    /// <summary>Compiles; a service or port that is not there has none.</summary>
    public static EndpointSetConfig Compile(IndexView view, ServiceRef service)
    {
        if (PodCompiler.TryParse(service.Name, out var address))
        {
            return PodCompiler.Endpoints(view, service, address);
        }

        var key = new ServiceKey(service.Namespace, service.Name);
        if (!view.Workloads.TryGetValue(key, out var workloads) || ServicePorts.Find(view, key, service.Port) is not { } port)
        {
            return new EndpointSetConfig(service, []);
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

        var endpoints = newest.Values
            .Where(w => w.IsEndpoint && (w.Transparent || (port.TargetPort ?? w.AppPort) == w.AppPort))
            .Select(w => MakeEndpoint(view, w, w.AddressOf(port.TargetPort ?? w.AppPort)))
            .OrderBy(e => e.Address.Address.ToString(), StringComparer.Ordinal)
            .ThenBy(e => e.Address.Port);
        return new EndpointSetConfig(service, [.. endpoints]);
    }

    /// <summary>What an endpoint set depends on.</summary>
    public static ImmutableHashSet<IndexKey> DependsOn(ServiceRef service)
    {
        if (PodCompiler.TryParse(service.Name, out var address))
        {
            return [IndexKey.OfAddress(address)];
        }

        var key = new ServiceKey(service.Namespace, service.Name);
        return [IndexKey.Service(key), IndexKey.Workloads(key)];
    }

    internal static EndpointConfig MakeEndpoint(IndexView view, WorkloadRegistration workload, IPEndPoint address) => new()
    {
        Address = address,
        Identity = new SpiffeId(view.TrustDomain, workload.Key.Namespace, workload.Key.ServiceAccount),
        Workload = workload.Key.Name,
        Labels = workload.Labels,
    };
}
