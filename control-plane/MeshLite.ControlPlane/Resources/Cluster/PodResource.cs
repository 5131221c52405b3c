using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Cluster;

/// <summary>Names a Pod.</summary>
public readonly record struct PodKey(string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Namespace}/{Name}";
}

/// <summary>
/// Of a Pod what the mesh goes by. Whether it is ready is not here: EndpointSlices say that, for each Service. Immutable.
/// </summary>
public sealed record PodResource
{
    /// <summary>Port on which an injected sidecar takes connections; nobody's to call.</summary>
    public const int SidecarPort = 15006;

    /// <summary>Port of an injected sidecar's metrics and probes, which is not captured.</summary>
    public const int TelemetryPort = 15020;

    /// <summary>Which.</summary>
    public required PodKey Key { get; init; }

    /// <summary><c>metadata.creationTimestamp</c>.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary><c>spec.serviceAccountName</c>: with the namespace, its identity. <value>Default <c>default</c>, as Kubernetes has it.</value></summary>
    public string ServiceAccount { get; init; } = "default";

    /// <summary>Its own addresses, of both families; the node's, where it is on the host's network; none of one that has ended: they may be another's by now.</summary>
    public ImmutableArray<IPAddress> Addresses { get; init; } = [];

    /// <summary>Labels, for subsets and policies.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>It has a sidecar: a container, or init container, <c>meshlite-sidecar</c>.</summary>
    public bool Injected { get; init; }

    /// <summary>It shares its node's network, where nothing is captured.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>Annotation <c>meshlite.dev/skip-inbound-ports</c>: called without mTLS.</summary>
    public ImmutableArray<int> SkipInboundPorts { get; init; } = [];

    /// <summary>Annotation <c>meshlite.dev/opaque-ports</c>: bytes, whatever they look like.</summary>
    public ImmutableArray<int> OpaquePorts { get; init; } = [];

    /// <summary>Annotation <c>meshlite.dev/mtls</c>. <value>Null: the namespace's, else the mesh's.</value></summary>
    public MtlsMode? Mtls { get; init; }

    /// <summary>Whether it is called with mTLS.</summary>
    public bool InMesh => Injected && !HostNetwork;

    /// <summary>Ports of its addresses that are not captured.</summary>
    public IEnumerable<int> UncapturedPorts => [TelemetryPort, .. SkipInboundPorts];

    /// <summary>Equal in everything the mesh goes by; most updates of a Pod change nothing of it.</summary>
    public bool SameAs(PodResource? other) =>
        other is not null && Key == other.Key && CreatedAt == other.CreatedAt && ServiceAccount == other.ServiceAccount && Injected == other.Injected
        && HostNetwork == other.HostNetwork && Mtls == other.Mtls && Addresses.SequenceEqual(other.Addresses)
        && SkipInboundPorts.SequenceEqual(other.SkipInboundPorts) && OpaquePorts.SequenceEqual(other.OpaquePorts) && Labels.SequenceEqual(other.Labels);
}
