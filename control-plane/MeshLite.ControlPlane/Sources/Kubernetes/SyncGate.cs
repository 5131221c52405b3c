using MeshLite.ControlPlane.Index;

namespace MeshLite.ControlPlane.Sources.Kubernetes;

/// <summary>
/// Counts the kinds that have yet to be listed, and posts <see cref="Synced"/> once all are and nothing speaks against it. Until then it says
/// what is waited for. Thread-safe: each kind's task reports here.
/// </summary>
internal sealed class SyncGate(IEnumerable<string> kinds, MeshIndex index, TimeProvider time, Action<string> waiting)
{
    private readonly Lock _lock = new();
    private readonly SortedSet<string> _kinds = new(kinds, StringComparer.Ordinal);
    private string? _blocker;
    private bool _isOpen;

    /// <summary>Says for the first time what is waited for.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            Decide_NeedsLock();
        }
    }

    /// <summary>Everything there is of a kind has been posted.</summary>
    public void Listed(string kind)
    {
        lock (_lock)
        {
            if (_kinds.Remove(kind))
            {
                Decide_NeedsLock();
            }
        }
    }

    /// <summary>Why nothing may be published although everything is listed; null: nothing any more.</summary>
    public void Block(string? reason)
    {
        lock (_lock)
        {
            if (_blocker != reason)
            {
                _blocker = reason;
                Decide_NeedsLock();
            }
        }
    }

    private void Decide_NeedsLock()
    {
        if (_isOpen)
        {
            return;
        }

        if (_kinds.Count == 0 && _blocker is null)
        {
            _isOpen = true;
            index.Post(new Synced(time.GetTimestamp()));
            return;
        }

        waiting(_kinds.Count > 0 ? $"waiting for the API server to list {string.Join(", ", _kinds)}" : _blocker!);
    }
}
