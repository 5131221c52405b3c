using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>The endpoints of one port of a service that take calls: registered workloads, and what slices say. Pure.</summary>
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
        if (ServicePorts.Find(view, key, service.Port) is not { } port)
        {
            return new EndpointSetConfig(service, []);
        }

        // A standalone service has no slices, a cluster's no registrations.
        var endpoints = RegisteredEndpoints.Of(view, key, port).Concat(SliceEndpoints.Of(view, key, port))
            .Select(e => (Endpoint: e, Text: e.Address.Address.ToString()))
            .OrderBy(e => e.Text, StringComparer.Ordinal)
            .ThenBy(e => e.Endpoint.Address.Port);
        return new EndpointSetConfig(service, [.. endpoints.Select(e => e.Endpoint)]);
    }

    /// <summary>What an endpoint set depends on.</summary>
    public static ImmutableHashSet<IndexKey> DependsOn(IndexView view, ServiceRef service)
    {
        if (PodCompiler.TryParse(service.Name, out var address))
        {
            return [IndexKey.OfAddress(address)];
        }

        var key = new ServiceKey(service.Namespace, service.Name);
        return [IndexKey.Service(key), IndexKey.Workloads(key), .. SliceEndpoints.DependsOn(view, key)];
    }
}
