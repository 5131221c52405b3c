using System.Net;
using System.Net.Security;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Status;

/// <summary>
/// The other replicas, by the EndpointSlices of the control plane's own Service: a <see cref="ReplicaLink"/> to each for as long as it stands there. Owned by the
/// <see cref="StatusWriter"/>'s task; disposing ends all links.
/// </summary>
internal sealed class ReplicaPeers(
    string ns, string ownId, Func<SslClientAuthenticationOptions> tls, Action wake, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private const string GrpcPort = "grpc";

    private readonly Lock _lock = new();
    private readonly Dictionary<IPEndPoint, Peer> _peers = [];
    private HashSet<ResourceKey> _changed = [];
    private bool _everything;

    /// <summary>Begins and ends links, as the slices are now.</summary>
    public async Task FollowAsync(IndexView view)
    {
        var there = EndpointsOf(view, ns);
        foreach (var (address, peer) in _peers.Where(p => !there.ContainsKey(p.Key)).ToArray())
        {
            _peers.Remove(address);
            Changed(null);
            await EndAsync(peer);
        }

        foreach (var (address, isTerminating) in there)
        {
            if (_peers.TryGetValue(address, out var known))
            {
                known.IsTerminating = isTerminating;
                continue;
            }

            var link = new ReplicaLink(address, ownId, tls, Changed, time, logger);
            var stop = new CancellationTokenSource();
            _peers[address] = new Peer(link, stop, Task.Run(() => link.RunAsync(stop.Token), CancellationToken.None)) { IsTerminating = isTerminating };
            Changed(null);
        }
    }

    /// <summary>What has another tally since last time.</summary>
    public (bool Everything, IReadOnlyCollection<ResourceKey> Keys) TakeChanged()
    {
        lock (_lock)
        {
            var taken = (_everything, _changed);
            (_everything, _changed) = (false, []);
            return taken;
        }
    }

    /// <summary>Adds what the others say of an object. One that terminates and does not answer has ended, and its sidecars are elsewhere.</summary>
    public Rollout AddTo(Rollout rollout, StoredObject item)
    {
        foreach (var peer in _peers.Values.Where(p => !p.Link.IsSelf))
        {
            rollout = peer.Link.IsHeard ? rollout.With(peer.Link.Find(item.Key), item)
                : peer.IsTerminating ? rollout
                : rollout with { Unheard = rollout.Unheard + 1, IsUndecided = rollout.IsUndecided || peer.Link.IsUndecided };
        }

        return rollout;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await Task.WhenAll(_peers.Values.Select(EndAsync));

    /// <summary>Where replicas are, and whether each terminates.</summary>
    internal static Dictionary<IPEndPoint, bool> EndpointsOf(IndexView view, string ns)
    {
        var found = new Dictionary<IPEndPoint, bool>();
        foreach (var slice in view.Cluster.SlicesOfService(new ServiceKey(ns, SvidProfile.ControlPlaneServiceAccount)))
        {
            if (slice.Ports.FirstOrDefault(p => p.Name == GrpcPort) is { Port: > 0 } port)
            {
                foreach (var endpoint in slice.Endpoints)
                {
                    found[new IPEndPoint(endpoint.Address, port.Port)] = endpoint.Terminating;
                }
            }
        }

        return found;
    }

    private void Changed(ResourceKey? key)
    {
        lock (_lock)
        {
            if (key is { } one)
            {
                _changed.Add(one);
            }
            else
            {
                _everything = true;
            }
        }

        wake();
    }

    private static async Task EndAsync(Peer peer)
    {
        await peer.Stop.CancelAsync();
        await peer.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        peer.Stop.Dispose();
    }

    private sealed record Peer(ReplicaLink Link, CancellationTokenSource Stop, Task Task)
    {
        public bool IsTerminating { get; set; }
    }
}
