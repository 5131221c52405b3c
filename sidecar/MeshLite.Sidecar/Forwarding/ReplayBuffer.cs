namespace MeshLite.Sidecar.Forwarding;

/// <summary>The beginning of a body, kept so that it can be sent again; all or nothing. Not thread-safe: <see cref="ReplayContent"/> locks.</summary>
internal struct ReplayBuffer
{
    private byte[]? _bytes;
    private int _length;

    /// <summary>More came than may be kept, or was wanted: nothing is.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>What is kept. A slice taken earlier stays as it was.</summary>
    public readonly ReadOnlyMemory<byte> Bytes => _bytes.AsMemory(0, _length);

    /// <summary>Keeps what comes next; past <paramref name="most"/> nothing any more.</summary>
    public void Add(ReadOnlySpan<byte> data, int most)
    {
        if (Overflowed)
        {
            return;
        }

        if (_length + data.Length > most)
        {
            Overflowed = true;
            Clear();
            return;
        }

        if (_bytes is null || _bytes.Length < _length + data.Length)
        {
            // Not pooled: an attempt that is being cancelled may still be reading the old array.
            var larger = new byte[Math.Clamp(2 * _length, _length + data.Length, most)];
            _bytes.AsSpan(0, _length).CopyTo(larger);
            _bytes = larger;
        }

        data.CopyTo(_bytes.AsSpan(_length));
        _length += data.Length;
    }

    /// <summary>Lets go of what is kept.</summary>
    public void Clear()
    {
        _bytes = null;
        _length = 0;
    }
}
