using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Google.Protobuf;
using MeshLite.ControlPlane.Publish;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using ServiceRef = MeshLite.Model.ServiceRef;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// What one stream wants, and what it was last sent. A destination is wanted because it is subscribed, an endpoint set because a
/// destination names it: as it is now, or as the sidecar still has it. Deltas are made here, when they are sent, against
/// what was sent last. Keys are the published resources' own strings: thousands of streams keep the same ones. Owned by the
/// stream's sender; one thread. Disposing it ends its watching.
/// </summary>
internal sealed class StreamState : IDisposable
{
    /// <summary>Keys that <see cref="_dirty"/> has room for in a stream at rest.</summary>
    private const int KeptRoom = 32;

    private readonly Publisher _publisher;
    private readonly IPublishListener _listener;
    private readonly string _namespace;
    private readonly PublishEntry _mesh;
    private readonly PublishEntry _workload;
    private readonly Dictionary<string, Wanted> _destinations = new(StringComparer.Ordinal);
    private readonly Dictionary<string, EndpointSet> _endpoints = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Sent> _sent = new(StringComparer.Ordinal);
    private readonly HashSet<string> _dirty = new(StringComparer.Ordinal);
    private readonly HashSet<string> _absent = new(StringComparer.Ordinal);

    public StreamState(Publisher publisher, IPublishListener listener, MeshKey mesh, OwnWorkloadKey workload)
    {
        (_publisher, _listener, _namespace) = (publisher, listener, workload.Identity.Namespace);
        _mesh = publisher.Watch(mesh, listener);
        _workload = publisher.Watch(workload, listener);
        _dirty.UnionWith([ResourceKeys.Mesh, ResourceKeys.Workload]);
    }

    /// <summary>The stream's own resource.</summary>
    public PublishEntry Own => _workload;

    /// <summary>Whether there is something to send.</summary>
    public bool HasWork => _dirty.Count > 0 || _absent.Count > 0;

    /// <summary>What the sidecar holds from earlier: only what differs is sent. Called once, after the subscriptions of Hello.</summary>
    public void SetHeld(IEnumerable<ResourceVersion> held)
    {
        foreach (var resource in held)
        {
            _sent[resource.Key] = new Sent(resource.Version);
            if (EntryOf(resource.Key) is null)
            {
                _absent.Add(resource.Key);
            }
        }
    }

    /// <summary>Subscribes; an authority subscribed already is answered again.</summary>
    public void Subscribe(IEnumerable<string> authorities)
    {
        foreach (var authority in authorities)
        {
            var key = ResourceKeys.Destination(authority);
            if (!_destinations.TryGetValue(key, out var wanted))
            {
                if (authority.Length is 0 or > StreamLimits.MaxAuthorityLength || authority.AsSpan().ContainsAnyExceptInRange('!', '~'))
                {
                    throw new GrpcException(GrpcStatusCode.InvalidArgument, $"an authority has 1 to {StreamLimits.MaxAuthorityLength} visible ASCII characters");
                }

                if (_destinations.Count == StreamLimits.MaxAuthorities)
                {
                    throw new GrpcException(GrpcStatusCode.ResourceExhausted, $"a stream may subscribe to {StreamLimits.MaxAuthorities} authorities");
                }

                wanted = new Wanted(_publisher.Watch(DestinationKey.Of(authority, _namespace), _listener));
                key = wanted.Entry.Current.Key;
                _destinations[key] = wanted;
            }

            _sent.Remove(key);
            _absent.Remove(key);
            Adopt(key, wanted);
        }
    }

    /// <summary>Ends subscriptions.</summary>
    public void Unsubscribe(IEnumerable<string> authorities)
    {
        foreach (var key in authorities.Select(ResourceKeys.Destination))
        {
            if (_destinations.Remove(key, out var wanted))
            {
                _publisher.Unwatch(wanted.Entry, _listener);
                Release(wanted.Named);
                Release(wanted.Held);
                Forget(key);
            }
        }
    }

    /// <summary>The sidecar asks for these again.</summary>
    public void Resync(IEnumerable<string> keys)
    {
        foreach (var key in keys)
        {
            _sent.Remove(key);
            if (EntryOf(key) is not { } entry)
            {
                _absent.Add(key);
            }
            else
            {
                _dirty.Add(key);
                entry.Acks?.Began(_listener);
            }
        }
    }

    /// <summary>The sidecar refused this version and kept the one before, which nobody here remembers: no delta to it any more.</summary>
    public void Rejected(string key, string version, string reason = "")
    {
        if (_sent.TryGetValue(key, out var sent) && sent.Version == version)
        {
            _sent[key] = new Sent(version, $"{key}: {reason}");
        }
    }

    /// <summary>The sidecar has applied these, but for what <see cref="Rejected"/> was called for before.</summary>
    public void Acknowledged(List<SentVersion>? versions)
    {
        foreach (var (entry, version) in versions ?? [])
        {
            if (_sent.TryGetValue(entry.Current.Key, out var sent) && sent.Version == version && sent.Refusal is { } refusal)
            {
                entry.Acks?.Refused(_listener, version, refusal);
            }
            else
            {
                entry.Acks?.Acked(_listener, version);
            }
        }
    }

    /// <summary>What the sidecar refused of the versions it was sent last: key and reason.</summary>
    public IEnumerable<string> Refusals() => _sent.Values.Select(s => s.Refusal).OfType<string>();

    /// <summary>These have changed.</summary>
    public void Changed(HashSet<string> keys)
    {
        foreach (var key in keys)
        {
            if (_destinations.TryGetValue(key, out var wanted))
            {
                Adopt(key, wanted);
            }
            else if (EntryOf(key) is not null)
            {
                _dirty.Add(key);
            }
        }
    }

    /// <summary>
    /// Takes what is to be sent next:
    /// <list type="number">
    /// <item>mesh and workload</item>
    /// <item>endpoints, before the destinations that name them</item>
    /// <item>destinations, from then on the sidecar needs the endpoints of the new version only</item>
    /// <item>what is no longer needed, after what needed it</item>
    /// </list>
    /// Cut at <see cref="StreamLimits.UpdateBytes"/>; the rest waits for the next.
    /// </summary>
    public UpdateBatch Take()
    {
        var batch = new Batch();

        // Step 1
        Add(batch, ResourceKeys.Mesh, _mesh, _mesh.Current);
        Add(batch, ResourceKeys.Workload, _workload, _workload.Current);

        // Step 2
        string[] waiting = [.. _dirty];
        foreach (var key in waiting)
        {
            if (_endpoints.TryGetValue(key, out var set))
            {
                Add(batch, key, set.Entry, set.Entry.Current);
            }
        }

        // Step 3
        foreach (var key in batch.IsFull ? [] : waiting)
        {
            if (_destinations.TryGetValue(key, out var wanted) && Add(batch, key, wanted.Entry, wanted.Version) && !wanted.Held.AsSpan().SequenceEqual(wanted.Named.AsSpan()))
            {
                Acquire(wanted.Named);
                Release(wanted.Held);
                wanted.Held = wanted.Named;
            }
        }

        // Step 4
        foreach (var key in batch.IsFull || _absent.Count == 0 ? [] : _absent.ToArray())
        {
            batch.Add(PublishedResource.EncodeAbsent(key), null);
            _absent.Remove(key);
            _sent.Remove(key);
        }

        if (_dirty.Count == 0 && _dirty.Capacity > KeptRoom)
        {
            // What the first Update needed is not needed again.
            _dirty.TrimExcess();
        }

        return new UpdateBatch(batch.Resources, batch.Bytes, batch.ChangedAt, batch.Versions);
    }

    /// <summary>All this stream should hold after the last Update.</summary>
    public IEnumerable<ResourceVersion> Inventory() => _sent.Select(s => new ResourceVersion { Key = s.Key, Version = s.Value.Version });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in _destinations.Values.Select(d => d.Entry).Concat(_endpoints.Values.Select(e => e.Entry)).Concat([_mesh, _workload]))
        {
            _publisher.Unwatch(entry, _listener);
        }
    }

    /// <summary>False: the batch is full, the key stays dirty.</summary>
    private bool Add(Batch batch, string key, PublishEntry entry, PublishedResource current)
    {
        if (batch.IsFull || !_dirty.Remove(key))
        {
            return false;
        }

        ref var sent = ref CollectionsMarshal.GetValueRefOrAddDefault(_sent, key, out var isHeld);
        if (!isHeld || sent.Version != current.Version)
        {
            batch.Add(current.EncodedFor(sent.Base), isHeld && sent.Base is not null ? current.ChangedAt : null);
            if (entry.Acks is not null)
            {
                (batch.Versions ??= []).Add(new SentVersion(entry, current.Version));
            }

            sent = new Sent(current);
        }
        else if (sent.Refusal is { } refusal)
        {
            entry.Acks?.Refused(_listener, current.Version, refusal);
        }
        else
        {
            // Known from Hello by its version only; now its content is known too.
            entry.Acks?.Acked(_listener, current.Version);
            sent = new Sent(current);
        }

        return true;
    }

    /// <summary>
    /// The destination has a version that may name other endpoints: these are wanted from now on. That version is what will be
    /// sent, though the publisher may have a newer one by then: of that, nobody has seen yet which endpoints it names.
    /// </summary>
    private void Adopt(string key, Wanted wanted)
    {
        _dirty.Add(key);
        wanted.Version = wanted.Entry.Current;
        var named = wanted.Version.EndpointSets;
        Acquire(named);
        Release(wanted.Named);
        wanted.Named = named;
    }

    private void Acquire(ImmutableArray<ServiceRef> services)
    {
        foreach (var service in services)
        {
            var key = ResourceKeys.Endpoints(service);
            if (!_endpoints.TryGetValue(key, out var set))
            {
                set = new EndpointSet(_publisher.Watch(new EndpointsKey(service), _listener));
                key = set.Entry.Current.Key;
                _endpoints[key] = set;
                _absent.Remove(key);
                _dirty.Add(key);
            }

            set.References++;
        }
    }

    private void Release(ImmutableArray<ServiceRef> services)
    {
        foreach (var key in services.Select(s => ResourceKeys.Endpoints(s)))
        {
            if (--_endpoints[key].References == 0)
            {
                _endpoints.Remove(key, out var set);
                _publisher.Unwatch(set!.Entry, _listener);
                Forget(key);
            }
        }
    }

    private void Forget(string key)
    {
        _dirty.Remove(key);
        if (_sent.ContainsKey(key))
        {
            _absent.Add(key);
        }
    }

    private PublishEntry? EntryOf(string key) =>
        _destinations.TryGetValue(key, out var wanted) ? wanted.Entry
        : _endpoints.TryGetValue(key, out var set) ? set.Entry
        : key == ResourceKeys.Mesh ? _mesh
        : key == ResourceKeys.Workload ? _workload
        : null;

    /// <summary>
    /// A version sent, and with it what a delta can be made against. Without a base only the version is known, or, where it
    /// was refused (with what reason), the sidecar has some version before it. One reference: there are fifty a stream.
    /// </summary>
    private readonly struct Sent
    {
        private readonly object _what;

        public Sent(PublishedResource resource) => _what = resource;

        public Sent(string version, string? refusal = null) => _what = refusal is null ? version : (version, refusal);

        public string Version => _what switch
        {
            PublishedResource resource => resource.Version,
            string version => version,
            _ => (((string Version, string))_what).Version,
        };

        public PublishedResource? Base => _what as PublishedResource;

        public string? Refusal => _what is (string _, string refusal) ? refusal : null;
    }

    /// <summary>A subscribed destination, the endpoint sets it names now, and those it named as it was sent last.</summary>
    private sealed class Wanted(PublishEntry entry)
    {
        public PublishEntry Entry => entry;

        public PublishedResource Version { get; set; } = entry.Current;

        public ImmutableArray<ServiceRef> Named { get; set; } = [];

        public ImmutableArray<ServiceRef> Held { get; set; } = [];
    }

    private sealed class EndpointSet(PublishEntry entry)
    {
        public PublishEntry Entry => entry;

        public int References { get; set; }
    }

    private sealed class Batch
    {
        public List<ByteString> Resources { get; } = [];

        public List<SentVersion>? Versions { get; set; }

        public int Bytes { get; private set; }

        public long? ChangedAt { get; private set; }

        public bool IsFull => Bytes >= StreamLimits.UpdateBytes;

        public void Add(ByteString resource, long? changedAt)
        {
            Resources.Add(resource);
            Bytes += resource.Length;
            ChangedAt = changedAt is { } at ? Math.Min(at, ChangedAt ?? long.MaxValue) : ChangedAt;
        }
    }
}
