using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.ControlPlane.Sources;

namespace MeshLite.ControlPlane.Index;

/// <summary>Something a source has learnt. Sources send whole values, so the newest change of a key is all that counts.</summary>
/// <param name="At">When it was noticed (<see cref="TimeProvider.GetTimestamp"/>): the beginning of "from change to effect".</param>
public abstract record IndexChange(long At);

/// <summary>A resource is now so; null: it is gone.</summary>
public sealed record ResourceChange(ResourceKey Key, Resource? Value, long At) : IndexChange(At);

/// <summary>A workload is now so; null: it is gone.</summary>
public sealed record WorkloadChange(WorkloadKey Key, WorkloadRegistration? Value, long At) : IndexChange(At);

/// <summary>An object of an own kind cannot be read as it is now stored; null: it can, or is gone. What is in force, <see cref="ResourceChange"/> says.</summary>
public sealed record RefusalChange(ResourceKey Key, Refusal? Value, long At) : IndexChange(At);

/// <summary>A Pod is now so; null: it is gone.</summary>
public sealed record PodChange(PodKey Key, PodResource? Value, long At) : IndexChange(At);

/// <summary>An EndpointSlice is now so; null: it is gone, or belongs to no Service.</summary>
public sealed record SliceChange(SliceKey Key, EndpointSliceResource? Value, long At) : IndexChange(At);

/// <summary>A Namespace is now so; null: it is gone.</summary>
public sealed record NamespaceChange(string Name, NamespaceResource? Value, long At) : IndexChange(At);

/// <summary>Roots and signing key are now so.</summary>
public sealed record AuthorityChange(MeshAuthority Value, long At) : IndexChange(At);

/// <summary>Services that once were there, from an earlier run: their names are never taken for foreign ones.</summary>
public sealed record RememberedServices(IReadOnlyCollection<ServiceKey> Services, long At) : IndexChange(At);

/// <summary>Every source has told all it knew at the start: from here on the view may be published.</summary>
public sealed record Synced(long At) : IndexChange(At);
