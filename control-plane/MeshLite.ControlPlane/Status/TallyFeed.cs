using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// What may have another tally since one reader looked last: published resources of which somebody acknowledged something, and parts of the index that a
/// change touched. Each once, however often; everything, for a reader that has just come. Thread-safe; taken by its one reader.
/// </summary>
/// <param name="wake">Tells the reader that something waits; must return at once.</param>
internal sealed class TallyFeed(Action wake)
{
    private readonly Lock _lock = new();
    private HashSet<PublishEntry> _entries = [];
    private HashSet<IndexKey> _touched = [];
    private bool _everything = true;

    /// <summary>Who holds this has changed.</summary>
    public void Add(PublishEntry entry)
    {
        bool isFirst;
        lock (_lock)
        {
            isFirst = _entries.Count == 0 && _touched.Count == 0;
            _entries.Add(entry);
        }

        if (isFirst)
        {
            wake();
        }
    }

    /// <summary>These parts of the index have changed, and everything is compiled that depends on them. Endpoints and Pods are no reader's business.</summary>
    public void Add(IReadOnlySet<IndexKey> touched)
    {
        var matter = touched.Where(key => key.Kind is IndexKeyKind.Service or IndexKeyKind.Authorization or IndexKeyKind.Mesh or IndexKeyKind.Refusal).ToArray();
        if (matter.Length == 0)
        {
            return;
        }

        lock (_lock)
        {
            _touched.UnionWith(matter);
        }

        wake();
    }

    /// <summary>All that waits.</summary>
    public (bool Everything, IReadOnlySet<PublishEntry> Entries, IReadOnlySet<IndexKey> Touched) Take()
    {
        lock (_lock)
        {
            var taken = (_everything, _entries, _touched);
            (_everything, _entries, _touched) = (false, [], []);
            return taken;
        }
    }
}

/// <summary>The feeds of those that read tallies now: in most processes none, and then acknowledgements cost one read. Thread-safe.</summary>
internal sealed class TallyFeeds
{
    private readonly Lock _lock = new();
    private volatile TallyFeed[] _feeds = [];

    /// <summary>Begins to fill a feed.</summary>
    public void Attach(TallyFeed feed)
    {
        lock (_lock)
        {
            _feeds = [.. _feeds, feed];
        }
    }

    /// <summary>Ends it.</summary>
    public void Detach(TallyFeed feed)
    {
        lock (_lock)
        {
            _feeds = [.. _feeds.Where(f => f != feed)];
        }
    }

    /// <inheritdoc cref="TallyFeed.Add(PublishEntry)"/>
    public void Add(PublishEntry entry)
    {
        foreach (var feed in _feeds)
        {
            feed.Add(entry);
        }
    }

    /// <inheritdoc cref="TallyFeed.Add(IReadOnlySet{IndexKey})"/>
    public void Add(IReadOnlySet<IndexKey> touched)
    {
        foreach (var feed in _feeds)
        {
            feed.Add(touched);
        }
    }
}
