using System.Collections.Concurrent;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// Counts outcomes by reason, for a metric that somebody else exposes. Thread-safe. Reasons come from enums and
/// constants, never from peers: their number is bounded.
/// </summary>
public sealed class ReasonCounter
{
    private readonly ConcurrentDictionary<string, Cell> _cells = new();

    /// <summary>Adds one.</summary>
    public void Increment(string reason) => Interlocked.Increment(ref _cells.GetOrAdd(reason, static _ => new Cell()).Value);

    /// <summary>How often this one so far.</summary>
    public long this[string reason] => _cells.TryGetValue(reason, out var cell) ? Interlocked.Read(ref cell.Value) : 0;

    /// <summary>All so far.</summary>
    public IReadOnlyDictionary<string, long> Snapshot() => _cells.ToDictionary(c => c.Key, c => Interlocked.Read(ref c.Value.Value));

    private sealed class Cell
    {
        public long Value;
    }
}
