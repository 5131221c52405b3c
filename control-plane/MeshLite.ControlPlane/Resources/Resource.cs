namespace MeshLite.ControlPlane.Resources;

/// <summary>One valid document of any kind. Immutable; made by <c>Reading/</c>, held by the index.</summary>
public abstract record Resource
{
    /// <summary>What it is called.</summary>
    public required ResourceKey Key { get; init; }

    /// <summary>Where it stands, and so how old it counts.</summary>
    public required ResourceOrigin Origin { get; init; }

    /// <summary>Which version of its spec, in a cluster (<c>metadata.generation</c>); 0 elsewhere.</summary>
    public long Generation { get; init; }
}
