namespace MeshLite.Model;

/// <summary>One port of a service. Its text form, <c>shop/orders:80</c>, is the key of its endpoints.</summary>
public readonly record struct ServiceRef(string Namespace, string Name, int Port)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Namespace}/{Name}:{Port}";
}
