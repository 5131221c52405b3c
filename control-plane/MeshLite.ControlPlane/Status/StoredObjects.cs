using MeshLite.ControlPlane.Resources;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.ControlPlane.Status;

/// <summary>An object of ours as it was last seen in the cluster. Immutable.</summary>
internal sealed record StoredObject(ResourceKey Key, string Uid, long Generation, string ResourceVersion, DateTimeOffset CreatedAt, ObjectStatus Status)
{
    /// <summary>Takes what matters of an object.</summary>
    public static StoredObject Of(ResourceKey key, RawObject item) => new(
        key, item.Metadata.Uid ?? "", item.Metadata.Generation ?? 0, item.Metadata.ResourceVersion ?? "", item.Metadata.CreationTimestamp ?? default, ObjectStatus.Read(item.Json));

    /// <summary>
    /// Whether this is from before <paramref name="other"/>, of the same object: versions of one kind are decimal numbers that grow
    /// (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions); others are taken for newer.
    /// </summary>
    public bool IsOlderThan(StoredObject other) =>
        Uid == other.Uid && ulong.TryParse(ResourceVersion, out var mine) && ulong.TryParse(other.ResourceVersion, out var others) && mine < others;
}

/// <summary>
/// Every object of ours with the status it has, as the watches see them: what a leader compares with before it writes. Every replica keeps it, so that one that is
/// elected need not read. Thread-safe: written by the watches, read by the <see cref="StatusWriter"/>.
/// </summary>
internal sealed class StoredObjects
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ResourceKey, StoredObject> _objects = [];
    private HashSet<ResourceKey>? _changed;
    private Action? _wake;

    /// <summary>An object is now so; one that is older than what is known says nothing.</summary>
    public void Put(StoredObject item)
    {
        lock (_lock)
        {
            if (_objects.TryGetValue(item.Key, out var known) && item.IsOlderThan(known))
            {
                return;
            }

            _objects[item.Key] = item;
            _changed?.Add(item.Key);
        }

        _wake?.Invoke();
    }

    /// <summary>An object is gone.</summary>
    public void Remove(ResourceKey key)
    {
        lock (_lock)
        {
            _objects.Remove(key);
            _changed?.Add(key);
        }

        _wake?.Invoke();
    }

    /// <summary>The object; null: there is none.</summary>
    public StoredObject? Find(ResourceKey key)
    {
        lock (_lock)
        {
            return _objects.GetValueOrDefault(key);
        }
    }

    /// <summary>From now on changes are gathered for the one reader, beginning with everything; <paramref name="wake"/> must return at once.</summary>
    public void Begin(Action wake)
    {
        lock (_lock)
        {
            (_changed, _wake) = ([.. _objects.Keys], wake);
        }
    }

    /// <summary>No longer.</summary>
    public void End()
    {
        lock (_lock)
        {
            (_changed, _wake) = (null, null);
        }
    }

    /// <summary>What came, changed or went since last time.</summary>
    public IReadOnlyCollection<ResourceKey> TakeChanged()
    {
        lock (_lock)
        {
            var taken = _changed ?? [];
            _changed = _changed is null ? null : [];
            return taken;
        }
    }
}
