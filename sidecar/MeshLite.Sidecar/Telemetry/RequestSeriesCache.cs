namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// From labels to series without allocating or locking: an open hash table of immutable entries, replaced as a whole when
/// it grows. Adding locks. Bounded; what does not fit is looked up in the families each time.
/// </summary>
internal sealed class RequestSeriesCache(int maxEntries)
{
    private readonly Lock _lock = new();
    private readonly int _maxEntries = maxEntries;
    private RequestSeries?[] _slots = new RequestSeries?[64];
    private int _count;

    /// <summary>Entries held.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>The entry of these labels, or null.</summary>
    public RequestSeries? Find(in RequestRecord record, int hash)
    {
        var slots = Volatile.Read(ref _slots);
        // At most half the slots are used, so an empty one ends every search.
        for (var i = hash & (slots.Length - 1); Volatile.Read(ref slots[i]) is { } entry; i = (i + 1) & (slots.Length - 1))
        {
            if (entry.Hash == hash && entry.Matches(in record))
            {
                return entry;
            }
        }

        return null;
    }

    /// <summary>Adds an entry unless the cache is full; two threads may add the same labels, which does no harm.</summary>
    public void Add(RequestSeries entry)
    {
        lock (_lock)
        {
            if (_count >= _maxEntries)
            {
                return;
            }

            if ((_count + 1) * 2 > _slots.Length)
            {
                Volatile.Write(ref _slots, Rebuild(_slots, _slots.Length * 2, out _count));
            }

            Place(_slots, entry);
            _count++;
        }
    }

    /// <summary>Lets go of entries whose series left the exposition, so that they can be collected and their place used.</summary>
    public void Prune()
    {
        lock (_lock)
        {
            Volatile.Write(ref _slots, Rebuild(_slots, _slots.Length, out _count));
        }
    }

    private static RequestSeries?[] Rebuild(RequestSeries?[] slots, int length, out int count)
    {
        var rebuilt = new RequestSeries?[length];
        count = 0;
        foreach (var entry in slots)
        {
            if (entry is not null && entry.Requests.IsExposed)
            {
                Place(rebuilt, entry);
                count++;
            }
        }

        return rebuilt;
    }

    private static void Place(RequestSeries?[] slots, RequestSeries entry)
    {
        var i = entry.Hash & (slots.Length - 1);
        while (slots[i] is not null)
        {
            i = (i + 1) & (slots.Length - 1);
        }

        Volatile.Write(ref slots[i], entry);
    }
}
