using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Status;

namespace MeshLite.ControlPlane.Publish;

/// <summary>Is told that a resource it watches has another version. Called under the publisher's lock: must return at once.</summary>
internal interface IPublishListener
{
    /// <summary>The resource of this key on the stream has changed.</summary>
    void Changed(string resourceKey);
}

/// <summary>
/// Compiles what somebody watches, and only that: an entry lives as long as it has watchers. When the index changes, the
/// entries that depend on what was touched are compiled again; those whose content hash differs get a new version, and their
/// watchers are told the key. Thread-safe: one lock, held for compiling; reading <see cref="PublishEntry.Current"/> takes none.
/// </summary>
internal sealed class Publisher
{
    private readonly Lock _lock = new();
    private readonly Dictionary<PublishKey, PublishEntry> _entries = [];
    private readonly Dictionary<IndexKey, HashSet<PublishEntry>> _dependents = [];
    private IndexView _view = IndexView.Empty;

    /// <summary>Who is told what may have another tally.</summary>
    public TallyFeeds Feeds { get; } = new();

    /// <summary>Resources watched now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>A new view of the index. Called by the index's task.</summary>
    public void Apply(IndexUpdate update)
    {
        lock (_lock)
        {
            _view = update.View;
            foreach (var entry in update.Touched.SelectMany(key => _dependents.GetValueOrDefault(key) ?? []).ToHashSet())
            {
                Compile_NeedsLock(entry, update.ChangedAt);
            }
        }

        Feeds.Add(update.Touched);
    }

    /// <summary>Reads the newest view that everything is compiled from, and what depends on parts of it. Short: it holds up compiling.</summary>
    public T Read<T>(Func<IndexView, Func<IndexKey, IReadOnlyCollection<PublishEntry>>, T> read)
    {
        lock (_lock)
        {
            return read(_view, key => _dependents.TryGetValue(key, out var entries) ? entries : []);
        }
    }

    /// <summary>From now on <paramref name="listener"/> is told of changes; the entry holds the current version.</summary>
    public PublishEntry Watch(PublishKey key, IPublishListener listener)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out var entry))
            {
                _entries[key] = entry = new PublishEntry(key, Feeds);
                Compile_NeedsLock(entry, 0);
            }

            if (entry.Listeners.Add(listener))
            {
                entry.Acks?.Began(listener);
            }

            return entry;
        }
    }

    /// <summary>Ends it; an entry nobody watches is forgotten.</summary>
    public void Unwatch(PublishEntry entry, IPublishListener listener)
    {
        lock (_lock)
        {
            if (!entry.Listeners.Remove(listener))
            {
                return;
            }

            entry.Acks?.Ended(listener);
            if (entry.Listeners.Count == 0)
            {
                _entries.Remove(entry.Key);
                Depend_NeedsLock(entry, new HashSet<IndexKey>());
            }
        }
    }

    private void Compile_NeedsLock(PublishEntry entry, long changedAt)
    {
        var compiled = entry.Key.Compile(_view);
        var next = new PublishedResource(entry.Key.ResourceKey, compiled, changedAt);
        Depend_NeedsLock(entry, compiled.DependsOn);
        if (next.Version == entry.Current?.Version)
        {
            return;
        }

        entry.Current = next;
        entry.Acks?.Published(next.Version, entry.Listeners);
        foreach (var listener in entry.Listeners)
        {
            listener.Changed(next.Key);
        }
    }

    private void Depend_NeedsLock(PublishEntry entry, IReadOnlySet<IndexKey> dependsOn)
    {
        foreach (var key in entry.DependsOn.Where(k => !dependsOn.Contains(k)))
        {
            var others = _dependents[key];
            others.Remove(entry);
            if (others.Count == 0)
            {
                _dependents.Remove(key);
            }
        }

        foreach (var key in dependsOn.Where(k => !entry.DependsOn.Contains(k)))
        {
            if (!_dependents.TryGetValue(key, out var dependents))
            {
                _dependents[key] = dependents = [];
            }

            dependents.Add(entry);
        }

        entry.DependsOn = dependsOn;
    }
}

/// <summary>A resource that is watched. All but <see cref="Current"/> belongs to the <see cref="Publisher"/>'s lock.</summary>
internal sealed class PublishEntry
{
    private volatile PublishedResource? _current;

    public PublishEntry(PublishKey key, TallyFeeds feeds)
    {
        Key = key;
        // Endpoints come and go all the time, and are nobody's rollout.
        Acks = key is EndpointsKey ? null : new EntryAcks(() => feeds.Add(this));
    }

    /// <summary>What it is.</summary>
    public PublishKey Key { get; }

    /// <summary>Who has the newest version; thread-safe, null where nobody counts.</summary>
    public EntryAcks? Acks { get; }

    /// <summary>Its newest version; set before anybody gets the entry.</summary>
    public PublishedResource Current
    {
        get => _current!;
        set => _current = value;
    }

    /// <summary>Who is told.</summary>
    public HashSet<IPublishListener> Listeners { get; } = [];

    /// <summary>What a change must touch to concern it.</summary>
    public IReadOnlySet<IndexKey> DependsOn { get; set; } = new HashSet<IndexKey>();
}
