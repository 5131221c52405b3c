using System.Net;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;

namespace MeshLite.ControlPlane.Index;

/// <summary>What a change can touch; compiled resources say on which of these they depend.</summary>
public enum IndexKeyKind
{
    /// <summary>A service: whether it exists, its ports, the routes and the policy attached to it.</summary>
    Service,

    /// <summary>The workloads of a service: registered ones, or the endpoints of its slices.</summary>
    Workloads,

    /// <summary>Whether the mesh knows a namespace, and what its annotations say.</summary>
    Namespace,

    /// <summary>A Pod, and which ports of which Services it serves.</summary>
    Pod,

    /// <summary>MeshConfig.</summary>
    Mesh,

    /// <summary>Whether an object of an own kind is refused; nothing that is published depends on it.</summary>
    Refusal,

    /// <summary>A namespace's AuthorizationPolicies.</summary>
    Authorization,

    /// <summary>Whose an address is: a service's, or workloads'.</summary>
    Address,

    /// <summary>Which roots are to be trusted, and who signs.</summary>
    Authority,
}

/// <summary>Names a part of the index.</summary>
public readonly record struct IndexKey(IndexKeyKind Kind, string Namespace, string Name)
{
    /// <summary>MeshConfig.</summary>
    public static IndexKey Mesh => new(IndexKeyKind.Mesh, "", "");

    /// <summary>Roots and signing key.</summary>
    public static IndexKey Authority => new(IndexKeyKind.Authority, "", "");

    /// <summary>An address.</summary>
    public static IndexKey OfAddress(IPAddress address) => new(IndexKeyKind.Address, "", address.ToString());

    /// <summary>A Pod.</summary>
    public static IndexKey OfPod(PodKey pod) => new(IndexKeyKind.Pod, pod.Namespace, pod.Name);

    /// <summary>Whether an object is refused.</summary>
    public static IndexKey OfRefusal(ResourceKey key) => new(IndexKeyKind.Refusal, key.Namespace, $"{key.Kind} {key.Name}");

    /// <summary>Who may call a namespace's workloads.</summary>
    public static IndexKey Authorization(string ns) => new(IndexKeyKind.Authorization, ns, "");

    /// <summary>A service's definition.</summary>
    public static IndexKey Service(ServiceKey service) => new(IndexKeyKind.Service, service.Namespace, service.Name);

    /// <summary>A service's workloads.</summary>
    public static IndexKey Workloads(ServiceKey service) => new(IndexKeyKind.Workloads, service.Namespace, service.Name);

    /// <summary>A namespace.</summary>
    public static IndexKey OfNamespace(string ns) => new(IndexKeyKind.Namespace, ns, "");
}
