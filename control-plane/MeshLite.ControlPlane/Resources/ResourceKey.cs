namespace MeshLite.ControlPlane.Resources;

/// <summary>Kinds of documents this version reads.</summary>
public enum ResourceKind
{
    /// <summary>Kubernetes' own (<c>v1</c>).</summary>
    Service,

    /// <summary>Where requests to a Service go.</summary>
    TrafficRoute,

    /// <summary>How a Service is called.</summary>
    TrafficPolicy,

    /// <summary>Who may call workloads.</summary>
    AuthorizationPolicy,

    /// <summary>What holds for the mesh.</summary>
    MeshConfig,
}

/// <summary>Names a resource. Its text form is what people see: <c>TrafficRoute shop/orders</c>.</summary>
public readonly record struct ResourceKey(ResourceKind Kind, string Namespace, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => Namespace.Length == 0 ? $"{Kind} {Name}" : $"{Kind} {Namespace}/{Name}";
}

/// <summary>Names a Service, whether a document or only registered workloads make it exist.</summary>
public readonly record struct ServiceKey(string Namespace, string Name) : IComparable<ServiceKey>
{
    /// <inheritdoc/>
    public int CompareTo(ServiceKey other) =>
        string.CompareOrdinal(Namespace, other.Namespace) is var byNamespace and not 0 ? byNamespace : string.CompareOrdinal(Name, other.Name);

    /// <inheritdoc/>
    public override string ToString() => $"{Namespace}/{Name}";
}
