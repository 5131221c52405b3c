using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// Counts, for a resource of ours, the sidecars of this process that have something which rests on it, and those that hold the newest of it. By the
/// <see cref="IndexKey"/>s that published resources depend on, so a count costs the watchers of that resource and no others. Thread-safe; each
/// resource is counted under the publisher's lock, for itself.
/// </summary>
internal sealed class AckTally(Publisher publisher)
{
    /// <summary>Begins to tell <paramref name="feed"/> what changes; end it by <see cref="TallyFeeds.Detach"/>.</summary>
    public void Attach(TallyFeed feed) => publisher.Feeds.Attach(feed);

    /// <summary>Ends it.</summary>
    public void Detach(TallyFeed feed) => publisher.Feeds.Detach(feed);

    /// <summary>Resources of ours that <paramref name="taken"/> is about, as they are in force.</summary>
    public IReadOnlyCollection<ResourceKey> ConcernedBy((bool Everything, IReadOnlySet<PublishEntry> Entries, IReadOnlySet<IndexKey> Touched) taken)
    {
        var keys = new HashSet<ResourceKey>();
        var view = publisher.Read((view, _) =>
        {
            foreach (var entry in taken.Entries.Where(_ => !taken.Everything))
            {
                foreach (var resource in entry.DependsOn.SelectMany(key => Tallies.RestingOn(view, key)).Where(r => Tallies.Concerns(r.Kind, entry.Key, isChange: true)))
                {
                    keys.Add(resource);
                }
            }

            return view;
        });
        keys.UnionWith(taken.Everything
            ? view.Resources.Keys.Where(Tallies.IsOurs)
            : taken.Touched.SelectMany(key => Tallies.RestingOn(view, key)));
        return keys;
    }

    /// <summary>Counts; null: no version of it is in force.</summary>
    public ResourceTally? Count(ResourceKey key) => publisher.Read((view, dependents) =>
    {
        if (view.Resources.GetValueOrDefault(key) is not { } resource)
        {
            return null;
        }

        HashSet<IPublishListener> sidecars = [], behind = [];
        var refused = new Dictionary<IPublishListener, string>();
        foreach (var entry in Tallies.KeysOf(resource).SelectMany(dependents).Where(entry => Tallies.Concerns(key.Kind, entry.Key, isChange: false)))
        {
            // Every sidecar has the resource mesh: whoever has anything that rests on MeshConfig has that.
            if (key.Kind != ResourceKind.MeshConfig || entry.Key is MeshKey)
            {
                sidecars.UnionWith(entry.Listeners);
            }

            entry.Acks?.AddTo(behind, refused);
        }

        var reason = refused.Count > 0 ? refused.Values.Min(StringComparer.Ordinal)! : "";
        return new ResourceTally(
            key, resource.Generation, resource.Origin.CreatedAt.ToUnixTimeSeconds(), sidecars.Count, sidecars.Count - behind.Count(sidecars.Contains), refused.Count,
            reason.Length <= ResourceTally.MaxReason ? reason : reason[..ResourceTally.MaxReason]);
    });
}
