using System.Text.Json.Nodes;
using MeshLite.Kubernetes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// All objects, and every change there was: one counter of versions for everything, as in etcd. An object in here is never changed, a write
/// puts another in its place. Everything under one lock, which <see cref="Locked{T}"/> takes for what belongs together.
/// </summary>
internal sealed class ApiStore
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ResourceType, SortedDictionary<string, StoredObject>> _objects = [];
    private readonly List<ApiChange> _history = [];
    private TaskCompletionSource _changed = NewSignal();

    /// <summary>Version of everything.</summary>
    public long Version { get; private set; } = 100;

    /// <summary>Versions below are forgotten.</summary>
    public long Compacted { get; private set; } = 100;

    /// <summary>Runs alone.</summary>
    public T Locked<T>(Func<T> action)
    {
        lock (_lock)
        {
            return action();
        }
    }

    public StoredObject? Find_NeedsLock(ResourceType type, ObjectKey key) =>
        _objects.TryGetValue(type, out var objects) && objects.TryGetValue(PathOf(key), out var found) ? found : null;

    /// <summary>Puts an object, or with null takes one away. The object's version is set here; of one that goes, that of its last state.</summary>
    public StoredObject Set_NeedsLock(ResourceType type, ObjectKey key, JsonObject? json, FieldOwners owners)
    {
        if (!_objects.TryGetValue(type, out var objects))
        {
            _objects[type] = objects = new SortedDictionary<string, StoredObject>(StringComparer.Ordinal);
        }

        var path = PathOf(key);
        objects.TryGetValue(path, out var old);
        Version++;
        var last = json ?? old!.Json.DeepClone().AsObject();
        last["metadata"]!["resourceVersion"] = Version.ToString();
        var stored = new StoredObject(last, owners);
        if (json is null)
        {
            objects.Remove(path);
        }
        else
        {
            objects[path] = stored;
        }

        _history.Add(new ApiChange(Version, type, key, old?.Json, json is null ? null : stored.Json, stored.Json));
        Signal_NeedsLock();
        return stored;
    }

    /// <summary>Other owners of the same object: no change, no version.</summary>
    public StoredObject Own_NeedsLock(ResourceType type, ObjectKey key, FieldOwners owners) =>
        _objects[type][PathOf(key)] = Find_NeedsLock(type, key)! with { Owners = owners };

    /// <summary>What is in a namespace, of all kinds.</summary>
    public List<(ResourceType Type, ObjectKey Key)> KeysIn_NeedsLock(string ns) =>
    [
        .. from kind in _objects
           from path in kind.Value.Keys
           where path.StartsWith(ns + "/", StringComparison.Ordinal)
           select (kind.Key, new ObjectKey(ns, path[(ns.Length + 1)..])),
    ];

    /// <summary>Everything of a kind as it was at a version, in the order of namespace and name.</summary>
    public List<JsonObject> At_NeedsLock(ResourceType type, long version)
    {
        var then = _objects.TryGetValue(type, out var objects)
            ? new SortedDictionary<string, JsonObject>(objects.ToDictionary(o => o.Key, o => o.Value.Json), StringComparer.Ordinal)
            : new SortedDictionary<string, JsonObject>(StringComparer.Ordinal);
        for (var i = _history.Count - 1; i >= 0 && _history[i].Version > version; i--)
        {
            var change = _history[i];
            if (change.Type != type)
            {
                continue;
            }

            if (change.Before is null)
            {
                then.Remove(PathOf(change.Key));
            }
            else
            {
                then[PathOf(change.Key)] = change.Before;
            }
        }

        return [.. then.Values];
    }

    /// <summary>Changes of a kind after a version; with a signal for more.</summary>
    public (List<ApiChange> Changes, long Version, Task More) After(ResourceType type, long version)
    {
        lock (_lock)
        {
            var first = _history.Count;
            while (first > 0 && _history[first - 1].Version > version)
            {
                first--;
            }

            return ([.. _history.Skip(first).Where(c => c.Type == type)], Version, _changed.Task);
        }
    }

    /// <summary>What was before is not told to new watches; those that are open may still be on their way through it.</summary>
    public void Compact()
    {
        lock (_lock)
        {
            Compacted = Version;
        }
    }

    /// <summary>Wakes everybody who waits for a change.</summary>
    public void Signal()
    {
        lock (_lock)
        {
            Signal_NeedsLock();
        }
    }

    private void Signal_NeedsLock()
    {
        _changed.SetResult();
        _changed = NewSignal();
    }

    private static string PathOf(ObjectKey key) => $"{key.Namespace}/{key.Name}";

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>An object and whose its fields are.</summary>
internal sealed record StoredObject(JsonObject Json, FieldOwners Owners);

/// <summary>A change. <param name="Before">Null: it is new.</param><param name="After">Null: it is gone.</param><param name="Last">What to tell of it.</param></summary>
internal sealed record ApiChange(long Version, ResourceType Type, ObjectKey Key, JsonObject? Before, JsonObject? After, JsonObject Last);
