using System.Collections.Concurrent;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// The sidecars connected to this process, and what certificate each showed: the one it uses, since it opens another stream as it renews. Thread-safe;
/// each stream adds and removes itself, a count costs all of them and is made only while an authority changes, or an operator asks.
/// </summary>
internal sealed class SidecarCensus(Publisher publisher)
{
    private readonly ConcurrentDictionary<IPublishListener, Connected> _connected = new();

    /// <summary>A stream begins; disposing says that it has ended.</summary>
    public IDisposable Add(IPublishListener stream, SpiffeId identity, string workload, Caller caller)
    {
        var connected = new Connected(this, stream, $"{identity.Namespace}/{workload}", caller.IssuerKey);
        _connected[stream] = connected;
        return connected;
    }

    /// <summary>Who has these roots, and a certificate of that issuer.</summary>
    public AuthorityProgress Count(string bundleId, ReadOnlyMemory<byte> issuerKey)
    {
        // Taken first: who comes in between is counted next time, who goes counts as one that has not got it.
        var all = _connected.ToArray();
        var haveRoots = publisher.Read((view, dependents) => Watchers(view, dependents, bundleId));
        List<string> withoutRoots = [], withoutIssuer = [];
        foreach (var (stream, connected) in all)
        {
            if (!haveRoots.Contains(stream))
            {
                withoutRoots.Add(connected.Name);
            }

            if (!connected.IssuerKey.Span.SequenceEqual(issuerKey.Span))
            {
                withoutIssuer.Add(connected.Name);
            }
        }

        return new AuthorityProgress
        {
            Sidecars = all.Length, WithRoots = all.Length - withoutRoots.Count, WithIssuer = all.Length - withoutIssuer.Count,
            WithoutRoots = [.. withoutRoots.Order(StringComparer.Ordinal).Take(AuthorityProgress.MaxNames)],
            WithoutIssuer = [.. withoutIssuer.Order(StringComparer.Ordinal).Take(AuthorityProgress.MaxNames)],
        };
    }

    private static HashSet<IPublishListener> Watchers(IndexView view, Func<IndexKey, IReadOnlyCollection<PublishEntry>> dependents, string bundleId)
    {
        // Everybody watches the one resource mesh.
        if (view.Authority.BundleId != bundleId || dependents(IndexKey.Authority).FirstOrDefault(entry => entry.Key is MeshKey) is not { } mesh)
        {
            return [];
        }

        var behind = new HashSet<IPublishListener>();
        mesh.Acks!.AddTo(behind, new Dictionary<IPublishListener, string>());
        return [.. mesh.Listeners.Where(listener => !behind.Contains(listener))];
    }

    private sealed class Connected(SidecarCensus owner, IPublishListener stream, string name, ReadOnlyMemory<byte> issuerKey) : IDisposable
    {
        public string Name => name;

        public ReadOnlyMemory<byte> IssuerKey => issuerKey;

        public void Dispose() => owner._connected.TryRemove(stream, out _);
    }
}
