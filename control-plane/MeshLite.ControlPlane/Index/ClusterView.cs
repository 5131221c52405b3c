using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;

namespace MeshLite.ControlPlane.Index;

/// <summary>
/// Pods, EndpointSlices and Namespaces of a cluster, joined by what the compiler asks for; empty standalone. Immutable: made by
/// <see cref="ClusterReducer"/>, part of <see cref="IndexView"/>.
/// </summary>
public sealed record ClusterView
{
    /// <summary>Nothing known.</summary>
    public static readonly ClusterView Empty = new();

    /// <summary>Every Pod.</summary>
    public ImmutableDictionary<PodKey, PodResource> Pods { get; init; } = ImmutableDictionary<PodKey, PodResource>.Empty;

    /// <summary>Pods by address; several where they share their node's.</summary>
    public ImmutableDictionary<IPAddress, ImmutableHashSet<PodKey>> PodsAt { get; init; } = ImmutableDictionary<IPAddress, ImmutableHashSet<PodKey>>.Empty;

    /// <summary>Every slice that belongs to a Service.</summary>
    public ImmutableDictionary<SliceKey, EndpointSliceResource> Slices { get; init; } = ImmutableDictionary<SliceKey, EndpointSliceResource>.Empty;

    /// <summary>Slices by their Service; no Service with none.</summary>
    public ImmutableDictionary<ServiceKey, ImmutableHashSet<SliceKey>> SlicesOf { get; init; } = ImmutableDictionary<ServiceKey, ImmutableHashSet<SliceKey>>.Empty;

    /// <summary>Slices by the Pods they hold; no Pod with none.</summary>
    public ImmutableDictionary<PodKey, ImmutableHashSet<SliceKey>> SlicesWith { get; init; } = ImmutableDictionary<PodKey, ImmutableHashSet<SliceKey>>.Empty;

    /// <summary>Every Namespace.</summary>
    public ImmutableDictionary<string, NamespaceResource> Namespaces { get; init; } = ImmutableDictionary<string, NamespaceResource>.Empty;

    /// <summary>Slices of a Service, by name.</summary>
    public IEnumerable<EndpointSliceResource> SlicesOfService(ServiceKey service) => Resolve(SlicesOf.GetValueOrDefault(service));

    /// <summary>Slices that hold a Pod, by name.</summary>
    public IEnumerable<EndpointSliceResource> SlicesWithPod(PodKey pod) => Resolve(SlicesWith.GetValueOrDefault(pod));

    /// <summary>Who has an address: of several, one in the mesh, then the newest.</summary>
    public PodResource? PodAt(IPAddress address) =>
        PodsAt.TryGetValue(address, out var pods)
            ? pods.Select(key => Pods[key]).OrderByDescending(p => p.InMesh).ThenByDescending(p => p.CreatedAt).ThenBy(p => p.Key.ToString(), StringComparer.Ordinal).First()
            : null;

    private IEnumerable<EndpointSliceResource> Resolve(ImmutableHashSet<SliceKey>? keys) =>
        keys is null ? [] : keys.Select(key => Slices[key]).OrderBy(slice => slice.Key.Name, StringComparer.Ordinal);
}
