using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources;

/// <summary>A Kubernetes <c>v1</c> Service: the names and ports under which workloads are called. Immutable.</summary>
public sealed record ServiceResource : Resource
{
    /// <summary>TCP ports; the first is the default port unless there is a port 80. In a cluster a Service may have none.</summary>
    public required ImmutableArray<ServicePort> Ports { get; init; }

    /// <summary>Addresses under which it is called: <c>clusterIP</c>, <c>clusterIPs</c>; none: only by name, or at its pods' own.</summary>
    public ImmutableArray<IPAddress> ClusterIps { get; init; } = [];

    /// <summary>Another name for a host outside, or for another Service (<c>type: ExternalName</c>). <value>Null: it has endpoints.</value></summary>
    public string? ExternalName { get; init; }

    /// <summary>First of <c>ipFamilies</c>: of a Service with endpoints of both, those called.</summary>
    public AddressFamily Family { get; init; } = AddressFamily.InterNetwork;

    /// <summary>Which Service.</summary>
    public ServiceKey Service => new(Key.Namespace, Key.Name);

    /// <summary>Equal in everything the mesh goes by.</summary>
    public bool SameAs(ServiceResource? other) =>
        other is not null && Key == other.Key && Origin == other.Origin && ExternalName == other.ExternalName && Family == other.Family
        && Ports.SequenceEqual(other.Ports) && ClusterIps.SequenceEqual(other.ClusterIps);
}

/// <summary>One port of a Service.</summary>
/// <param name="Name">Empty only where it is the only port.</param>
/// <param name="Port">What callers say.</param>
/// <param name="TargetPort">
/// Standalone: only workloads with that application port serve this port; null: all of the service's. In a cluster EndpointSlices
/// say where a port leads, by its name.
/// </param>
/// <param name="Protocol">From <c>appProtocol</c>.</param>
public sealed record ServicePort(string Name, int Port, int? TargetPort, AppProtocol Protocol);
