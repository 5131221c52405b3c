namespace MeshLite.Sidecar.Http2.Hpack;

/// <summary>
/// RFC 7541 §2.3.2: the fields met last, the newest first, as the strings that were made for them. A ring; its entries are made room for as they come.
/// </summary>
internal sealed class DynamicTable(int maxSize)
{
    /// <value>Bytes. What an entry counts beyond its letters (§4.1).</value>
    public const int EntryOverhead = 32;

    private (string Name, string Value)[] _ring = [];

    // Where the next entry goes.
    private int _next;

    public int Count { get; private set; }

    /// <summary>Of all entries (§4.1).</summary>
    public int Size { get; private set; }

    public int MaxSize { get; private set; } = maxSize;

    /// <summary>The entry; 0 is the newest.</summary>
    public ref readonly (string Name, string Value) this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
            return ref _ring[(_next - 1 - index) & (_ring.Length - 1)];
        }
    }

    /// <summary>§4.3.</summary>
    public void Resize(int maxSize)
    {
        MaxSize = maxSize;
        Evict(maxSize);
    }

    /// <summary>§4.4: the oldest go until there is room; what is larger than the table empties it.</summary>
    public void Add(string name, string value)
    {
        var size = name.Length + value.Length + EntryOverhead;
        if (size > MaxSize)
        {
            Evict(0);
            return;
        }

        Evict(MaxSize - size);
        if (Count == _ring.Length)
        {
            Grow();
        }

        _ring[_next] = (name, value);
        _next = (_next + 1) & (_ring.Length - 1);
        Count++;
        Size += size;
    }

    private void Evict(int size)
    {
        while (Size > size)
        {
            ref var oldest = ref _ring[(_next - Count) & (_ring.Length - 1)];
            Size -= oldest.Name.Length + oldest.Value.Length + EntryOverhead;
            oldest = default;
            Count--;
        }
    }

    private void Grow()
    {
        var ring = new (string, string)[Math.Max(8, _ring.Length * 2)];
        for (var i = 0; i < Count; i++)
        {
            ring[Count - 1 - i] = this[i];
        }

        _ring = ring;
        _next = Count;
    }
}
