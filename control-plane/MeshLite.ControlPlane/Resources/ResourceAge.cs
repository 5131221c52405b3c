namespace MeshLite.ControlPlane.Resources;

/// <summary>Orders resources as the Gateway API breaks ties: oldest first, then by namespace/name.</summary>
public static class ResourceAge
{
    /// <summary>Total over resources of different names.</summary>
    public static IComparer<Resource> OldestFirst { get; } = Comparer<Resource>.Create(static (a, b) =>
        a.Origin.CompareTo(b.Origin) is var byOrigin and not 0 ? byOrigin
        : string.CompareOrdinal(a.Key.Namespace, b.Key.Namespace) is var byNamespace and not 0 ? byNamespace
        : string.CompareOrdinal(a.Key.Name, b.Key.Name));
}
