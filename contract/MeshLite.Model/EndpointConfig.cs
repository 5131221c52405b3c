using System.Collections.Immutable;
using System.Net;

namespace MeshLite.Model;

/// <summary>
/// One ready endpoint of a service's port; unready and terminating ones are not in the set. Immutable.
/// </summary>
public sealed record EndpointConfig
{
    /// <summary>Where its sidecar (or, unmeshed, its application) listens; the key within the set.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>Whom the server must prove to be; null: no sidecar, called in plaintext.</summary>
    public SpiffeId? Identity { get; init; }

    /// <summary>Name of the workload instance.</summary>
    public string Workload { get; init; } = "";

    /// <summary>Labels, for subsets.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Relative share. <value>Default 1, at least 1.</value></summary>
    public int Weight { get; init; } = 1;
}

/// <summary>All ready endpoints of one port of a service, sorted by address, then port. Immutable.</summary>
public sealed record EndpointSetConfig(ServiceRef Service, ImmutableArray<EndpointConfig> Endpoints);
