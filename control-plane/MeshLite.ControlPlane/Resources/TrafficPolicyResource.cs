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

    /// <summary>How callers use the endpoints, but for its connect timeout, which is <see cref="ConnectTimeout"/>.</summary>
    public ServicePolicyConfig Outbound { get; init; } = ServicePolicyConfig.Default;

    /// <summary><c>timeouts.connect</c>. <value>Null: the mesh's default. 1 ms to 1 min.</value></summary>
    public TimeSpan? ConnectTimeout { get; init; }

    /// <summary><c>timeouts.request</c>: for rules that say none. <value>Null: the mesh's default; zero: none. 0 to 24 h.</value></summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary><c>concurrency.inboundMaxRequests</c>, of each workload. <value>Null: 1,024. 1 to 1,000,000.</value></summary>
    public int? InboundMaxRequests { get; init; }

    /// <summary><c>rateLimit.inbound</c>, of each workload. <value>Empty: none.</value></summary>
    public ImmutableArray<CallerRateLimitConfig> InboundRateLimits { get; init; } = [];
}

/// <summary>A named part of a Service's endpoints.</summary>
public sealed record SubsetResource(string Name, ImmutableSortedDictionary<string, string> Labels);
