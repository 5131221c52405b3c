using System.Collections.Concurrent;

namespace MeshLite.Shop;

/// <summary>
/// Every request id this application received, how often, and what became of it: what the mesh is measured by. Written by
/// <see cref="LedgerMiddleware"/> and <see cref="TroubleMiddleware"/>; thread-safe. Grows until the process ends: a demo is short.
/// </summary>
public sealed class Ledger
{
    private readonly ConcurrentDictionary<string, LedgerEntry> _entries = new(StringComparer.Ordinal);

    /// <summary>Books one arrival.</summary>
    public void Record(string id, string client, string timeout) => _entries.AddOrUpdate(
        id,
        static (id, arrival) => new LedgerEntry(id, 1, arrival.client, arrival.timeout),
        static (_, seen, arrival) => seen with { Count = seen.Count + 1, Client = arrival.client, Timeout = arrival.timeout },
        (client, timeout));

    /// <summary>Books that one is failed on purpose.</summary>
    public void Failed(string id) => Change(id, static seen => seen with { Failed = seen.Failed + 1 });

    /// <summary>Books that one's caller gave up.</summary>
    public void Cancelled(string id) => Change(id, static seen => seen with { Cancelled = seen.Cancelled + 1 });

    /// <summary>Books that one is over.</summary>
    public void Ended(string id) => Change(id, static seen => seen with { Ended = seen.Ended + 1 });

    /// <summary>All entries whose id begins with <paramref name="prefix"/>.</summary>
    public IEnumerable<LedgerEntry> Entries(string prefix) => _entries.Values.Where(e => e.Id.StartsWith(prefix, StringComparison.Ordinal));

    private void Change(string id, Func<LedgerEntry, LedgerEntry> change) =>
        _entries.AddOrUpdate(id, static (id, change) => change(new LedgerEntry(id, 0, "", "")), static (_, seen, change) => change(seen), change);
}
