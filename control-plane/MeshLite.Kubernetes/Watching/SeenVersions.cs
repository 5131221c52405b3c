using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes.Watching;

/// <summary>
/// Which objects a sink knows, by uid and version, and what it has to hear to get from there to another list. Holds no object. Not thread-safe.
/// </summary>
internal sealed class SeenVersions
{
    private readonly Dictionary<ObjectKey, (string? Uid, string? Version)> _seen = [];

    public int Count => _seen.Count;

    /// <summary>The first list.</summary>
    public void Start<T>(IReadOnlyList<T> all, IReflectorSink<T> sink)
        where T : class, IKubernetesObject
    {
        foreach (var item in all)
        {
            _seen[item.Metadata.Key] = (item.Metadata.Uid, item.Metadata.ResourceVersion);
        }

        sink.Replaced(all);
    }

    /// <summary>
    /// A later list, which is the truth whatever its versions are: a cluster restored from a backup counts from an earlier one. First what is gone, so
    /// that whatever it held (an address, a name) is free when another takes it.
    /// </summary>
    public void Follow<T>(IReadOnlyList<T> all, IReflectorSink<T> sink)
        where T : class, IKubernetesObject
    {
        var there = new Dictionary<ObjectKey, string?>(all.Count);
        foreach (var item in all)
        {
            there[item.Metadata.Key] = item.Metadata.Uid;
        }

        foreach (var (key, (uid, _)) in _seen)
        {
            if (!there.TryGetValue(key, out var now) || now != uid)
            {
                _seen.Remove(key);
                sink.Deleted(key);
            }
        }

        foreach (var item in all)
        {
            var version = (item.Metadata.Uid, item.Metadata.ResourceVersion);
            if (!_seen.TryGetValue(item.Metadata.Key, out var known) || known != version)
            {
                _seen[item.Metadata.Key] = version;
                sink.Upserted(item);
            }
        }
    }

    /// <summary>An event of a watch. What is no newer than what the sink knows is left out.</summary>
    public void Apply<T>(WatchEvent<T> change, IReflectorSink<T> sink)
        where T : class, IKubernetesObject
    {
        if (change.Object is not { Metadata: var meta } changed)
        {
            return;
        }

        var isKnown = _seen.TryGetValue(meta.Key, out var known);
        if (isKnown && known.Uid == meta.Uid && !IsNewer(change.ResourceVersion, known.Version))
        {
            return;
        }

        if (change.Type == WatchEventType.Deleted)
        {
            // The end of an object whose name another one has by now changes nothing.
            if (isKnown && known.Uid == meta.Uid)
            {
                _seen.Remove(meta.Key);
                sink.Deleted(meta.Key);
            }

            return;
        }

        if (isKnown && known.Uid != meta.Uid)
        {
            sink.Deleted(meta.Key);
        }

        _seen[meta.Key] = (meta.Uid, meta.ResourceVersion);
        sink.Upserted(changed);
    }

    /// <summary>The kind itself is gone.</summary>
    public void Clear<T>(IReflectorSink<T> sink)
        where T : class, IKubernetesObject => Follow([], sink);

    /// <summary>
    /// Versions of one kind are decimal numbers that grow, of any length
    /// (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions). Any other text: told apart, not ordered.
    /// </summary>
    internal static bool IsNewer(string version, string? than) =>
        than is null
        || (!IsNumber(version) || !IsNumber(than) ? version != than
            : version.Length != than.Length ? version.Length > than.Length
            : string.CompareOrdinal(version, than) > 0);

    private static bool IsNumber(string text) => text.Length > 0 && text[0] != '0' && text.All(char.IsAsciiDigit);
}
