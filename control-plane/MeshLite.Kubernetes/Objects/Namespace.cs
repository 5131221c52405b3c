namespace MeshLite.Kubernetes.Objects;

/// <summary>A Namespace, as far as it is used here.</summary>
public sealed record Namespace : IKubernetesObject
{
    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();
}
