namespace MeshLite.Kubernetes;

/// <summary>Namespace and name: unique within a kind at any one time.</summary>
/// <param name="Namespace">Null for kinds without namespaces.</param>
/// <param name="Name">Name.</param>
public readonly record struct ObjectKey(string? Namespace, string Name)
{
    /// <summary>As people write it: <c>shop/orders</c>.</summary>
    public override string ToString() => Namespace is null ? Name : $"{Namespace}/{Name}";
}
