using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// Workloads that registered over their sidecars' streams. Posts what changes to the index, and has it written to
/// <see cref="WorkloadStore"/>. A registration outlives its stream by <see cref="Grace"/>: a control plane or a
/// network that is away for a moment takes no endpoint out. Thread-safe (one lock, nothing slow inside).
/// </summary>
public sealed class WorkloadRegistry(WorkloadStore store, MeshIndex index, TimeProvider time, ILogger<WorkloadRegistry> logger) : IDisposable
{
    /// <summary>How long a registration lives on without its stream. <value>10 s.</value></summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The same after a start of the control plane, for all from earlier: none has a stream yet, and to drop them all because
    /// starting took long would cost every request. <value>30 s.</value>
    /// </summary>
    public static readonly TimeSpan RestoredGrace = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<WorkloadKey, Entry> _entries = [];
    private readonly Dictionary<IPEndPoint, List<Entry>> _byAddress = [];
    private HashSet<ServiceKey> _known = [];
    private long _sequence;
    private bool _disposed;

    /// <summary>Registrations now, with or without a stream.</summary>
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

    /// <summary>Takes over what an earlier run knew. Called once, before anything else.</summary>
    public void Load()
    {
        var saved = store.Load();
        lock (_lock)
        {
            _known = [.. saved.KnownServices];
            index.Post(new RememberedServices([.. _known], time.GetTimestamp()));
            foreach (var workload in saved.Workloads)
            {
                ExpireLater_NeedsLock(Add_NeedsLock(workload), RestoredGrace);
            }
        }
    }

    /// <summary>
    /// A stream registers its workload; of two streams of one workload the later counts. Dispose when the stream ends.
    /// </summary>
    public WorkloadLease Register(WorkloadRegistration workload)
    {
        Entry entry;
        lock (_lock)
        {
            entry = Add_NeedsLock(workload);
            entry.IsConnected = true;
            // Afterwards: there is no moment at which the address has no endpoint.
            DropFormerSelves_NeedsLock(workload);
            if (_known.Count < IndexReducer.MaxKnown)
            {
                _known.Add(workload.ServiceKey);
            }

            store.Save(Snapshot);
        }

        SourcesLog.WorkloadRegistered(logger, workload.Key, workload.Service, workload.Address.ToString());
        return new WorkloadLease(this, entry);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            foreach (var entry in _entries.Values)
            {
                entry.Expiry?.Dispose();
            }
        }
    }

    internal void SetHealth(Entry entry, bool ready, bool draining)
    {
        lock (_lock)
        {
            if (!IsCurrent_NeedsLock(entry) || (entry.Workload.Ready == ready && entry.Workload.Draining == draining))
            {
                return;
            }

            entry.Workload = entry.Workload with { Ready = ready, Draining = draining };
            Post_NeedsLock(entry.Workload.Key, entry.Workload);
            store.Save(Snapshot);
        }
    }

    internal void Release(Entry entry)
    {
        lock (_lock)
        {
            if (!IsCurrent_NeedsLock(entry) || !entry.IsConnected)
            {
                return;
            }

            entry.IsConnected = false;
            ExpireLater_NeedsLock(entry, Grace);
        }

        SourcesLog.WorkloadLost(logger, entry.Workload.Key, Grace);
    }

    /// <summary>
    /// A workload that was restarted on the address it had, under another name: the name it had before has no stream, and
    /// nobody else can be listening there.
    /// </summary>
    private void DropFormerSelves_NeedsLock(WorkloadRegistration workload)
    {
        foreach (var entry in _byAddress.GetValueOrDefault(workload.Address, []).Where(e => !e.IsConnected && e.Workload.ServiceKey == workload.ServiceKey).ToList())
        {
            Drop_NeedsLock(entry);
        }
    }

    private void ExpireLater_NeedsLock(Entry entry, TimeSpan grace)
    {
        if (!_disposed)
        {
            entry.Expiry = time.CreateTimer(_ => Expire(entry), null, grace, Timeout.InfiniteTimeSpan);
        }
    }

    private void Expire(Entry entry)
    {
        lock (_lock)
        {
            if (_disposed || !IsCurrent_NeedsLock(entry))
            {
                return;
            }

            Drop_NeedsLock(entry);
            store.Save(Snapshot);
        }

        SourcesLog.WorkloadDropped(logger, entry.Workload.Key);
    }

    private Entry Add_NeedsLock(WorkloadRegistration workload)
    {
        var entry = new Entry(workload with { Sequence = ++_sequence });
        if (_entries.TryGetValue(workload.Key, out var former))
        {
            Remove_NeedsLock(former);
        }

        _entries[workload.Key] = entry;
        if (!_byAddress.TryGetValue(workload.Address, out var neighbours))
        {
            _byAddress[workload.Address] = neighbours = [];
        }

        neighbours.Add(entry);
        Post_NeedsLock(workload.Key, entry.Workload);
        return entry;
    }

    private void Drop_NeedsLock(Entry entry)
    {
        Remove_NeedsLock(entry);
        Post_NeedsLock(entry.Workload.Key, null);
    }

    private void Remove_NeedsLock(Entry entry)
    {
        entry.Expiry?.Dispose();
        _entries.Remove(entry.Workload.Key);
        var neighbours = _byAddress[entry.Workload.Address];
        neighbours.Remove(entry);
        if (neighbours.Count == 0)
        {
            _byAddress.Remove(entry.Workload.Address);
        }
    }

    private bool IsCurrent_NeedsLock(Entry entry) => _entries.TryGetValue(entry.Workload.Key, out var current) && current == entry;

    // Posted inside the lock: the index sees changes of one workload in the order they happened.
    private void Post_NeedsLock(WorkloadKey key, WorkloadRegistration? value) => index.Post(new WorkloadChange(key, value, time.GetTimestamp()));

    private SavedWorkloads Snapshot()
    {
        lock (_lock)
        {
            return new SavedWorkloads([.. _entries.Values.Select(e => e.Workload).OrderBy(w => w.Sequence)], [.. _known.Order()]);
        }
    }

    /// <summary>One registration, as long as no other takes its place.</summary>
    internal sealed class Entry(WorkloadRegistration workload)
    {
        public WorkloadRegistration Workload { get; set; } = workload;

        public bool IsConnected { get; set; }

        public ITimer? Expiry { get; set; }
    }
}

/// <summary>A stream's hold on its workload's registration. Used by that stream; disposing it starts the grace.</summary>
public sealed class WorkloadLease : IDisposable
{
    private readonly WorkloadRegistry _registry;
    private readonly WorkloadRegistry.Entry _entry;

    internal WorkloadLease(WorkloadRegistry registry, WorkloadRegistry.Entry entry) => (_registry, _entry) = (registry, entry);

    /// <summary>Whether the application answers, and whether it is about to go; in force at once.</summary>
    public void SetHealth(bool ready, bool draining) => _registry.SetHealth(_entry, ready, draining);

    /// <inheritdoc/>
    public void Dispose() => _registry.Release(_entry);
}
