using MeshLite.ControlPlane.Index;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;

namespace MeshLite.ControlPlane.Sources.Kubernetes;

/// <summary>
/// Posts one of Kubernetes' own kinds to the index. Owned by that kind's <see cref="Reflector{T}"/>; one thread.
/// </summary>
/// <param name="kind">Its name, for the gate.</param>
/// <param name="upserted">The change that an object is (what was noticed, when).</param>
/// <param name="deleted">The change that its absence is.</param>
/// <param name="index">Where to.</param>
/// <param name="gate">Is told once.</param>
/// <param name="time">Dates changes.</param>
internal sealed class ClusterSink<T>(
    string kind, Func<T, long, IndexChange> upserted, Func<ObjectKey, long, IndexChange> deleted, MeshIndex index, SyncGate gate, TimeProvider time) : IReflectorSink<T>
    where T : class, IKubernetesObject
{
    /// <inheritdoc/>
    public void Replaced(IReadOnlyList<T> all)
    {
        foreach (var item in all)
        {
            Upserted(item);
        }

        gate.Listed(kind);
    }

    /// <inheritdoc/>
    public void Upserted(T changed) => index.Post(upserted(changed, time.GetTimestamp()));

    /// <inheritdoc/>
    public void Deleted(ObjectKey key) => index.Post(deleted(key, time.GetTimestamp()));
}
