using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources;

/// <summary>A Kubernetes <c>v1</c> Service: the names and ports under which workloads are called. Immutable.</summary>
public sealed record ServiceResource : Resource
{
    /// <summary>At least one; the first is the default port unless there is a port 80.</summary>
    public required ImmutableArray<ServicePort> Ports { get; init; }

    /// <summary>Addresses under which it is called: <c>clusterIP</c>, <c>clusterIPs</c>; none: only by name, or at its pods' own.</summary>
    public ImmutableArray<IPAddress> ClusterIps { get; init; } = [];

    /// <summary>Which Service.</summary>
    public ServiceKey Service => new(Key.Namespace, Key.Name);
}

/// <summary>One port of a Service.</summary>
/// <param name="Name">Empty only where it is the only port.</param>
/// <param name="Port">What callers say.</param>
/// <param name="TargetPort">Port of the application: only workloads with that application port serve this port. Null: all of the service's.</param>
/// <param name="Protocol">From <c>appProtocol</c>.</param>
public sealed record ServicePort(string Name, int Port, int? TargetPort, AppProtocol Protocol);
