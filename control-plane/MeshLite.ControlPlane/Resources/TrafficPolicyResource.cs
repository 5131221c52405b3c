using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources;

/// <summary>How a Service is called, by whichever route. Immutable.</summary>
public sealed record TrafficPolicyResource : Resource
{
    /// <summary>The Service, in the policy's own namespace.</summary>
    public required string Target { get; init; }

    /// <summary>Parts of the Service's endpoints, by labels.</summary>
    public ImmutableArray<SubsetResource> Subsets { get; init; } = [];

    /// <summary><c>loadBalancer.type</c>. <value>Default <see cref="LoadBalancerType.PeakEwma"/>.</value></summary>
    public LoadBalancerType LoadBalancer { get; init; }

    /// <summary><c>timeouts.connect</c>. <value>Default 1 s; 1 ms to 1 min.</value></summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary><c>timeouts.request</c>: for rules that say none. <value>Null: the mesh's default; zero: none. 0 to 24 h.</value></summary>
    public TimeSpan? RequestTimeout { get; init; }
}

/// <summary>A named part of a Service's endpoints.</summary>
public sealed record SubsetResource(string Name, ImmutableSortedDictionary<string, string> Labels);
