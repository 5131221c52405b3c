using MeshLite.Model;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Tests.Config;

/// <summary>Resources as a control plane sends them.</summary>
internal static class Resources
{
    public static readonly MeshLite.Model.ServiceRef Orders = new("shop", "orders", 80);

    public static readonly string OrdersKey = ResourceKeys.Endpoints(Orders);

    public static Resource Mesh(string trustDomain = "cluster.local") => Versioned(new() { Key = ResourceKeys.Mesh, Mesh = new() { TrustDomain = trustDomain } });

    public static Resource Workload(string version = "v1") => Versioned(new()
    {
        Key = ResourceKeys.Workload, Workload = new() { SpiffeId = "spiffe://cluster.local/ns/shop/sa/web", Version = version },
    });

    public static Resource Destination(string authority, DestinationKind kind = DestinationKind.Unknown) => Versioned(new()
    {
        Key = ResourceKeys.Destination(authority), Destination = new() { Kind = (Destination.Types.Kind)kind, Service = kind == DestinationKind.Service ? MeshMapper.ToProto(Orders) : null },
    });

    public static Endpoints Set(params string[] addresses) => new() { Endpoints_ = { addresses.Select(a => new Endpoint { Address = a, Port = 80 }).Order(EndpointDeltas.Order) } };

    public static Resource Endpoints(params string[] addresses) => Versioned(new() { Key = OrdersKey, Endpoints = Set(addresses) });

    public static Resource Delta(Endpoints from, Endpoints to) => new() { Key = OrdersKey, Version = ContentHash.Of(to), EndpointsDelta = EndpointDeltas.Diff(from, to) };

    public static Resource Absent(string key) => new() { Key = key, Absent = new() };

    public static Resource Versioned(Resource resource)
    {
        resource.Version = ContentHash.Of(resource);
        return resource;
    }
}
