using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Watching;

/// <summary>
/// Hears what a <see cref="Reflector{T}"/> sees. Called by its task alone, one call at a time, in order; a call should only hand on. What it
/// throws ends the reflector.
/// </summary>
public interface IReflectorSink<in T>
    where T : class, IKubernetesObject
{
    /// <summary>The first call, and never again: everything there is. From now on the type has synced.</summary>
    void Replaced(IReadOnlyList<T> all);

    /// <summary>An object is new or changed; whole.</summary>
    void Upserted(T changed);

    /// <summary>An object is gone.</summary>
    void Deleted(ObjectKey key);
}
