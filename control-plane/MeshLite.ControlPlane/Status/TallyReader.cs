using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// The tallies of this process as they change, for one reader: everything first, then what is different. A MeshConfig that some are behind with is
/// counted again each time, since not all that rests on it says so when it changes (<see cref="Tallies.Concerns"/>). One thread; disposing ends it.
/// </summary>
internal sealed class TallyReader : IDisposable
{
    private readonly AckTally _tally;
    private readonly TallyFeed _feed;
    private readonly Dictionary<ResourceKey, ResourceTally> _last = [];

    /// <summary>Begins; <paramref name="wake"/> is called when there may be something to take, and must return at once.</summary>
    public TallyReader(AckTally tally, Action wake)
    {
        (_tally, _feed) = (tally, new TallyFeed(wake));
        tally.Attach(_feed);
    }

    /// <summary>What has another tally than last time.</summary>
    public IReadOnlyList<ResourceTally> Take()
    {
        var keys = new HashSet<ResourceKey>(_tally.ConcernedBy(_feed.Take()));
        if (_last.TryGetValue(MeshConfigResource.DefaultKey, out var mesh) && mesh.Current < mesh.Sidecars)
        {
            keys.Add(MeshConfigResource.DefaultKey);
        }

        var changed = new List<ResourceTally>();
        foreach (var key in keys)
        {
            if (_tally.Count(key) is { } tally && tally != _last.GetValueOrDefault(key))
            {
                _last[key] = tally;
                changed.Add(tally);
            }
        }

        return changed;
    }

    /// <inheritdoc/>
    public void Dispose() => _tally.Detach(_feed);
}
