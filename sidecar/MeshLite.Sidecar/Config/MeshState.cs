using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// The configuration in force, in the form requests use. Written by the <see cref="ConfigStream"/> loop alone
/// (<see cref="IConfigSink"/>); requests read references that are swapped whole, so a request sees one
/// version of a destination from its first stage to its last. A destination the application calls for the
/// first time is subscribed here, and its callers wait for the answer.
/// </summary>
internal sealed class MeshState : IConfigSink
{
    /// <value>1 s (design.md §4).</value>
    public static readonly TimeSpan DefaultFirstAnswerTimeout = TimeSpan.FromSeconds(1);

    /// <value>A destination nobody called for this long is let go. 10 min.</value>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(10);

    /// <value>Destinations at once; an application that makes up host names can't grow the sidecar without bound. 10,000.</value>
    public const int MaxDestinations = 10_000;

    // Host names compare without case (RFC 9110 §4.2.3), so most requests find their entry by the Host they sent.
    private readonly ConcurrentDictionary<string, DestinationEntry> _destinations = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<ServiceRef, ServicePool> _pools = [];
    private readonly Outbox _outbox;
    private readonly EndpointFactory _endpoints;
    private readonly AttemptSettings _attempts;
    private readonly TimeProvider _time;
    private volatile MeshSettingsConfig? _settings;
    private volatile WorkloadConfig? _workload;

    /// <summary>Makes an empty state.</summary>
    public MeshState(Outbox outbox, EndpointFactory endpoints, AttemptSettings attempts)
    {
        _outbox = outbox;
        _endpoints = endpoints;
        _attempts = attempts;
        _time = attempts.Time;
    }

    /// <summary>Raised by the configuration loop when the mesh's settings changed.</summary>
    public event Action<MeshSettingsConfig>? SettingsChanged;

    /// <summary>Raised by the configuration loop when what holds for this workload changed.</summary>
    public event Action<WorkloadConfig>? WorkloadChanged;

    /// <summary>How long the first call to a destination waits for the control plane's answer.</summary>
    public TimeSpan FirstAnswerTimeout { get; init; } = DefaultFirstAnswerTimeout;

    /// <summary>What holds for the whole mesh; null before the first configuration.</summary>
    public MeshSettingsConfig? Settings => _settings;

    /// <summary>What holds for this workload; null before the first configuration.</summary>
    public WorkloadConfig? Workload => _workload;

    /// <summary>Every destination held now, for the admin interface.</summary>
    public IEnumerable<DestinationModel> Destinations => _destinations.Values.Select(entry => entry.Model).OfType<DestinationModel>();

    /// <summary>Every Service called now, for metrics.</summary>
    public IEnumerable<ServicePool> Pools => Destinations.SelectMany(destination => destination.Backends).Where(backend => !backend.Config.Missing).Select(backend => backend.Pool).Distinct();

    /// <summary>
    /// What an authority leads to; null when the control plane did not say in time. Called by requests, from any thread.
    /// </summary>
    public ValueTask<DestinationModel?> ResolveAsync(string authority, CancellationToken cancellationToken)
    {
        if (_destinations.TryGetValue(authority, out var entry) && entry is { Model: { } model, LetGo: false })
        {
            entry.LastUsed = _time.GetTimestamp();
            return ValueTask.FromResult<DestinationModel?>(model);
        }

        return ResolveFirstAsync(authority, cancellationToken);
    }

    /// <summary>
    /// Whether an address of which the control plane does not say what it is can be none of the mesh's: networks are declared, and it
    /// is in none of them.
    /// </summary>
    public bool IsOutside(IPAddress address) =>
        _settings is { ClusterNetworks: { IsEmpty: false } networks }
        && !networks.Any(network => network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address));

    /// <summary>
    /// Lets go of destinations nobody calls; called once a minute. What was answered stays in force until the control
    /// plane has said good-bye: it may be away, or find nothing new to say to one who comes back at once.
    /// </summary>
    public void SweepIdle()
    {
        foreach (var (authority, entry) in _destinations)
        {
            if (entry.LetGo || _time.GetElapsedTime(entry.LastUsed) < IdleTimeout)
            {
                continue;
            }

            // In this order: whoever finds it let go, or finds nothing, subscribes anew, which does nothing before this is unsubscribed.
            _outbox.Unsubscribe(authority);
            entry.LetGo = true;
            if (entry.Model is null)
            {
                _destinations.TryRemove(authority, out _);
            }
        }
    }

    /// <inheritdoc/>
    public void SetMesh(MeshSettingsConfig mesh)
    {
        _settings = mesh;
        SettingsChanged?.Invoke(mesh);
    }

    /// <inheritdoc/>
    public void SetWorkload(WorkloadConfig workload)
    {
        _workload = workload;
        WorkloadChanged?.Invoke(workload);
    }

    /// <inheritdoc/>
    public void SetDestination(DestinationConfig destination)
    {
        if (!RouteTable.TryBuild(destination, _attempts, out var routes, out var problems))
        {
            throw new FormatException(string.Join("; ", problems));
        }

        var backends = destination.Backends.Select(CreateBackend).ToImmutableArray();
        var entry = _destinations.GetOrAdd(destination.Authority, _ => new DestinationEntry(_time.GetTimestamp()));
        entry.LetGo = false;
        _outbox.Subscribe(destination.Authority); // one that was restored from disk is not subscribed yet
        entry.Set(new DestinationModel(destination, routes, backends));
        RetireUnused();
    }

    /// <inheritdoc/>
    public void RemoveDestination(string authority)
    {
        // One that was not let go has been subscribed anew since: this answers the earlier Unsubscribe, another answer follows.
        if (_destinations.TryGetValue(authority, out var entry) && entry is { Model: not null, LetGo: true })
        {
            _destinations.TryRemove(KeyValuePair.Create(authority, entry));
        }

        RetireUnused();
    }

    /// <inheritdoc/>
    public void SetEndpoints(EndpointSetConfig endpoints)
    {
        var pool = PoolOf(endpoints.Service);
        pool.Update(endpoints);
        foreach (var backend in Destinations.SelectMany(destination => destination.Backends))
        {
            if (ReferenceEquals(backend.Pool, pool))
            {
                backend.Refresh();
            }
        }
    }

    /// <inheritdoc/>
    public void RemoveEndpoints(ServiceRef service)
    {
        // Those a destination in force still names go with it.
        if (_pools.TryGetValue(service, out var pool) && !UsedPools().Contains(pool))
        {
            pool.Retire();
            _pools.Remove(service);
        }
    }

    private async ValueTask<DestinationModel?> ResolveFirstAsync(string authority, CancellationToken cancellationToken)
    {
        if (!AuthorityNormalizer.TryNormalize(authority, out var key))
        {
            return null;
        }

        var now = _time.GetTimestamp();
        if (!_destinations.TryGetValue(key.Authority, out var entry))
        {
            if (_destinations.Count >= MaxDestinations)
            {
                return null;
            }

            var added = new DestinationEntry(now);
            entry = _destinations.GetOrAdd(key.Authority, added);
            if (ReferenceEquals(entry, added))
            {
                _outbox.Subscribe(key.Authority);
            }
        }

        entry.LastUsed = now;
        if (entry.LetGo)
        {
            entry.LetGo = false;
            _outbox.Subscribe(key.Authority);
        }

        if (entry.Model is { } model)
        {
            return model;
        }

        try
        {
            return await entry.Answered.WaitAsync(FirstAnswerTimeout, _time, cancellationToken);
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private BackendModel CreateBackend(BackendConfig config)
    {
        var pool = PoolOf(config.Service);
        if (!config.Missing)
        {
            pool.State.Apply(config.Policy);
        }

        return new BackendModel(config, pool, _attempts.Random, _time);
    }

    private ServicePool PoolOf(ServiceRef service)
    {
        if (!_pools.TryGetValue(service, out var pool))
        {
            _pools[service] = pool = new ServicePool(service, _endpoints);
        }

        return pool;
    }

    // A pool whose endpoints came just before the destination that names it is not unused: only those that some
    // destination has named, and none names now, are.
    private void RetireUnused()
    {
        var used = UsedPools();
        foreach (var pool in _pools.Values)
        {
            pool.Named |= used.Contains(pool);
        }

        foreach (var pool in _pools.Values.Where(pool => pool.Named && !used.Contains(pool)).ToList())
        {
            pool.Retire();
            _pools.Remove(pool.Service);
        }
    }

    private HashSet<ServicePool> UsedPools() => [.. Destinations.SelectMany(destination => destination.Backends).Select(backend => backend.Pool)];

    /// <summary>One authority: its model once answered, and who waits for it.</summary>
    private sealed class DestinationEntry(long now)
    {
        private readonly TaskCompletionSource<DestinationModel> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private volatile DestinationModel? _model;
        private volatile bool _letGo;
        private long _lastUsed = now;

        public DestinationModel? Model => _model;

        public Task<DestinationModel> Answered => _answered.Task;

        /// <summary>Unsubscribed for being idle; the next use subscribes again.</summary>
        public bool LetGo
        {
            get => _letGo;
            set => _letGo = value;
        }

        public long LastUsed
        {
            get => Volatile.Read(ref _lastUsed);
            set => Volatile.Write(ref _lastUsed, value);
        }

        public void Set(DestinationModel model)
        {
            _model = model;
            _answered.TrySetResult(model);
        }
    }
}
