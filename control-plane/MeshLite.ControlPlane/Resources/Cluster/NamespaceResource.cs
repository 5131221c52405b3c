using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Cluster;

/// <summary>Of a Namespace what the mesh goes by. Immutable.</summary>
public sealed record NamespaceResource
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its labels.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Those of its annotations that are the mesh's (<c>meshlite.dev/…</c>).</summary>
    public ImmutableSortedDictionary<string, string> Annotations { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Annotation <c>meshlite.dev/mtls</c>. <value>Null: the mesh's.</value></summary>
    public MtlsMode? Mtls { get; init; }

    /// <summary>Equal in everything the mesh goes by.</summary>
    public bool SameAs(NamespaceResource? other) =>
        other is not null && Name == other.Name && Mtls == other.Mtls && Labels.SequenceEqual(other.Labels) && Annotations.SequenceEqual(other.Annotations);
}
