using System.Net;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Index;

/// <summary>What a change can touch; compiled resources say on which of these they depend.</summary>
public enum IndexKeyKind
{
    /// <summary>A service: whether it exists, its ports, the routes and the policy attached to it.</summary>
    Service,

    /// <summary>The workloads of a service.</summary>
    Workloads,

    /// <summary>Whether the mesh knows a namespace.</summary>
    Namespace,

    /// <summary>MeshConfig.</summary>
    Mesh,

    /// <summary>A namespace's AuthorizationPolicies.</summary>
    Authorization,

    /// <summary>Whose an address is: a service's, or workloads'.</summary>
    Address,
}

/// <summary>Names a part of the index.</summary>
public readonly record struct IndexKey(IndexKeyKind Kind, string Namespace, string Name)
{
    /// <summary>MeshConfig.</summary>
    public static IndexKey Mesh => new(IndexKeyKind.Mesh, "", "");

    /// <summary>An address.</summary>
    public static IndexKey OfAddress(IPAddress address) => new(IndexKeyKind.Address, "", address.ToString());

    /// <summary>Who may call a namespace's workloads.</summary>
    public static IndexKey Authorization(string ns) => new(IndexKeyKind.Authorization, ns, "");

    /// <summary>A service's definition.</summary>
    public static IndexKey Service(ServiceKey service) => new(IndexKeyKind.Service, service.Namespace, service.Name);

    /// <summary>A service's workloads.</summary>
    public static IndexKey Workloads(ServiceKey service) => new(IndexKeyKind.Workloads, service.Namespace, service.Name);

    /// <summary>A namespace.</summary>
    public static IndexKey OfNamespace(string ns) => new(IndexKeyKind.Namespace, ns, "");
}
