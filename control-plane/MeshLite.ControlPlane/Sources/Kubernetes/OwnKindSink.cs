using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Status;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources.Kubernetes;

/// <summary>
/// Posts one of the mesh's own kinds to the index, read as strictly as a file. What cannot be read leaves the last good version of that
/// object in force (as long as this process lives), and is posted as a <see cref="Refusal"/>. Owned by that kind's
/// <see cref="Reflector{T}"/>; one thread.
/// </summary>
internal sealed class OwnKindSink(
    ResourceKind kind, MeshIndex index, SyncGate gate, TimeProvider time, ControlPlaneMetrics metrics, ILogger logger, StoredObjects? stored = null) : IReflectorSink<RawObject>
{
    private readonly Dictionary<ResourceKey, Seen> _seen = [];

    /// <inheritdoc/>
    public void Replaced(IReadOnlyList<RawObject> all)
    {
        foreach (var item in all)
        {
            Upserted(item);
        }

        gate.Listed(kind.ToString());
    }

    /// <inheritdoc/>
    public void Upserted(RawObject changed)
    {
        var (metadata, key) = (changed.Metadata, KeyOf(changed.Metadata.Key));
        stored?.Put(StoredObject.Of(key, changed));
        var before = _seen.GetValueOrDefault(key);
        if (before is not null && metadata.Generation is not null && before.Generation == metadata.Generation && before.Uid == metadata.Uid)
        {
            // Only its status has changed, or what of its metadata says nothing.
            return;
        }

        var at = time.GetTimestamp();
        var result = Read(changed);
        if (result.Resource is { } resource)
        {
            _seen[key] = new Seen(metadata.Uid, metadata.Generation, IsGood: true);
            index.Post(new ResourceChange(key, resource with { Generation = metadata.Generation ?? 0 }, at));
            Post(key, null, at);
        }
        else
        {
            // The last good version of another object that had this name is none of this one's.
            var isAnother = before is not null && before.Uid != metadata.Uid;
            _seen[key] = new Seen(metadata.Uid, metadata.Generation, before is { IsGood: true } && !isAnother);
            if (isAnother)
            {
                index.Post(new ResourceChange(key, null, at));
            }

            Post(key, new Refusal(metadata.Generation ?? 0, [.. result.Errors]), at);
            Report(key, result.Errors);
        }

        Unblock();
    }

    /// <inheritdoc/>
    public void Deleted(ObjectKey key)
    {
        var at = time.GetTimestamp();
        var deleted = KeyOf(key);
        stored?.Remove(deleted);
        _seen.Remove(deleted);
        index.Post(new ResourceChange(deleted, null, at));
        Post(deleted, null, at);
        Unblock();
    }

    private static DocumentResult Read(RawObject item)
    {
        var origin = ResourceOrigin.InCluster(item.Metadata.CreationTimestamp ?? default);
        return JsonNodes.ReadObject(item.Json, out var problem) is { } node
            ? DocumentReader.Read(node, origin)
            : new DocumentResult(null, null, [new ResourceError("", 1, "", "", problem!)]);
    }

    private void Post(ResourceKey key, Refusal? refusal, long at) => index.Post(new RefusalChange(key, refusal, at));

    private void Report(ResourceKey key, IReadOnlyList<ResourceError> errors)
    {
        foreach (var error in errors.Select(e => e with { Document = key.ToString() }))
        {
            SourcesLog.DocumentRefused(logger, error, error.File, error.Line, error.Document, error.Field, error.Message);
        }

        metrics.DocumentRejected(key.ToString());
    }

    // A MeshConfig of which no version was ever good: its defaults could be less strict than what it says, and another trust domain.
    private void Unblock()
    {
        if (kind == ResourceKind.MeshConfig)
        {
            gate.Block(_seen.GetValueOrDefault(MeshConfigResource.DefaultKey) is { IsGood: false } ? "the MeshConfig 'default' is refused, and no earlier one is known" : null);
        }
    }

    private ResourceKey KeyOf(ObjectKey key) => new(kind, key.Namespace ?? "", key.Name);

    private sealed record Seen(string? Uid, long? Generation, bool IsGood);
}
