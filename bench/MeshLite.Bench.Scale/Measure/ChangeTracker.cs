using System.Collections.Concurrent;

namespace MeshLite.Bench.Scale.Measure;

/// <summary>
/// Follows changes of endpoints, and of the hot Service's policy, from the moment they are stored in the API server to the moment
/// each subscriber's acknowledgement is sent. Thread-safe: one phase announces, all sidecars report.
/// </summary>
internal sealed class ChangeTracker(TimeProvider time)
{
    private readonly ConcurrentDictionary<string, Change> _changes = new(StringComparer.Ordinal);
    private volatile LatencyLog _log = new();
    private long _expected;
    private long _seen;

    /// <summary>Latencies since the last <see cref="Begin"/>.</summary>
    public LatencyLog Log => _log;

    /// <summary>Acknowledgements that should have come and have not.</summary>
    public long Missing => Interlocked.Read(ref _expected) - Interlocked.Read(ref _seen);

    /// <summary>A new phase: what was announced before no longer counts.</summary>
    public void Begin()
    {
        _changes.Clear();
        _log = new LatencyLog();
        Interlocked.Exchange(ref _expected, 0);
        Interlocked.Exchange(ref _seen, 0);
    }

    /// <summary>About to be stored: an update that names <paramref name="what"/> will come of it.</summary>
    /// <param name="what">An endpoint's <c>address:port</c>, or a destination's key.</param>
    /// <param name="subscribers">How many should acknowledge it; 0: nobody knows.</param>
    public void Announce(string what, int subscribers)
    {
        Interlocked.Add(ref _expected, subscribers);
        _changes[what] = new Change(time.GetTimestamp(), subscribers > 0, _log);
    }

    /// <summary>When what an update names was stored; null: nobody waits for it.</summary>
    public Change? Find(string what) => _changes.GetValueOrDefault(what);

    /// <summary>A sidecar has acknowledged it.</summary>
    public void Acknowledged(Change change)
    {
        if (change.Log != _log)
        {
            // Of a phase that is over.
            return;
        }

        change.Log.Add(time.GetElapsedTime(change.At));
        if (change.IsExpected)
        {
            Interlocked.Increment(ref _seen);
        }
    }
}

/// <summary>One change.</summary>
/// <param name="At">Timestamp.</param>
/// <param name="IsExpected">Whether it is known who should acknowledge it.</param>
/// <param name="Log">Of the phase that made it.</param>
internal sealed record Change(long At, bool IsExpected, LatencyLog Log);
