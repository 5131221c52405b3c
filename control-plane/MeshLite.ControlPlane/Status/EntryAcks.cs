using MeshLite.ControlPlane.Publish;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// Which watchers of one published resource have yet to acknowledge its newest version, and which refused it. Thread-safe: a short lock of its own, so that
/// the acknowledgement of one stream waits neither for the publisher's compiling nor for those of other resources. In a mesh at rest it is empty.
/// </summary>
/// <param name="changed">Called after every change, from any thread, outside the lock.</param>
internal sealed class EntryAcks(Action changed)
{
    private readonly Lock _lock = new();
    private readonly HashSet<IPublishListener> _behind = [];
    private readonly Dictionary<IPublishListener, string> _refused = [];
    private string _version = "";

    /// <summary>The version everybody should have.</summary>
    public void Published(string version, IEnumerable<IPublishListener> watchers)
    {
        lock (_lock)
        {
            _version = version;
            _refused.Clear();
            _behind.UnionWith(watchers);
        }

        changed();
    }

    /// <summary>Somebody watches from now on, or asks for it again.</summary>
    public void Began(IPublishListener watcher)
    {
        lock (_lock)
        {
            _behind.Add(watcher);
        }

        changed();
    }

    /// <summary>Somebody watches no longer.</summary>
    public void Ended(IPublishListener watcher)
    {
        lock (_lock)
        {
            Forget_NeedsLock(watcher);
        }

        changed();
    }

    /// <summary>A watcher has this version; another than the newest says nothing.</summary>
    public void Acked(IPublishListener watcher, string version)
    {
        lock (_lock)
        {
            if (version != _version || !_behind.Contains(watcher))
            {
                return;
            }

            Forget_NeedsLock(watcher);
        }

        changed();
    }

    /// <summary>A watcher refused this version and keeps the one before.</summary>
    public void Refused(IPublishListener watcher, string version, string reason)
    {
        lock (_lock)
        {
            if (version != _version || !_behind.Contains(watcher))
            {
                return;
            }

            _refused[watcher] = reason;
        }

        changed();
    }

    /// <summary>Adds those behind, and of those that refused their reasons.</summary>
    public void AddTo(ISet<IPublishListener> behind, IDictionary<IPublishListener, string> refused)
    {
        lock (_lock)
        {
            behind.UnionWith(_behind);
            foreach (var (watcher, reason) in _refused)
            {
                refused.TryAdd(watcher, reason);
            }
        }
    }

    private void Forget_NeedsLock(IPublishListener watcher)
    {
        _behind.Remove(watcher);
        _refused.Remove(watcher);
        if (_behind.Count == 0)
        {
            // A rollout to thousands must not hold their room until the next.
            _behind.TrimExcess();
        }
    }
}
