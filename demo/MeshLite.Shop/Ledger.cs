using System.Collections.Concurrent;

namespace MeshLite.Shop;

/// <summary>
/// Every request id this application received, and how often: what the mesh is measured by. Written by
/// <see cref="LedgerMiddleware"/>; thread-safe. Grows until the process ends: a demo is short.
/// </summary>
public sealed class Ledger
{
    private readonly ConcurrentDictionary<string, LedgerEntry> _entries = new(StringComparer.Ordinal);

    /// <summary>Books one arrival.</summary>
    public void Record(string id, string client) =>
        _entries.AddOrUpdate(id, static (id, client) => new LedgerEntry(id, 1, client), static (_, seen, client) => seen with { Count = seen.Count + 1, Client = client }, client);

    /// <summary>All entries whose id begins with <paramref name="prefix"/>.</summary>
    public IEnumerable<LedgerEntry> Entries(string prefix) => _entries.Values.Where(e => e.Id.StartsWith(prefix, StringComparison.Ordinal));
}
