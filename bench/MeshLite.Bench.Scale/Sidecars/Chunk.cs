using System.Buffers;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>Bytes that wait; its room is rented and given back when nothing waits. Used by one task.</summary>
internal sealed class Chunk
{
    /// <summary>At first, and free for a read: a TLS record, and no less than a frame.</summary>
    private const int Room = 16 * 1024;

    private byte[] _bytes = [];
    private int _start;
    private int _end;

    public int Length => _end - _start;

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(_start, Length);

    /// <summary>Room for a read; <see cref="Add"/> says how much of it was filled.</summary>
    public Memory<byte> Free()
    {
        Ensure(Room);
        return _bytes.AsMemory(_end);
    }

    public void Add(int bytes) => _end += bytes;

    /// <summary>As many bytes more, to be filled.</summary>
    public Span<byte> Reserve(int bytes)
    {
        Ensure(bytes);
        _end += bytes;
        return _bytes.AsSpan(_end - bytes, bytes);
    }

    public void Append(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    /// <summary>The first have been read.</summary>
    public void Take(int bytes)
    {
        _start += bytes;
        if (_start == _end)
        {
            Clear();
        }
    }

    public void Clear()
    {
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        (_bytes, _start, _end) = ([], 0, 0);
    }

    private void Ensure(int bytes)
    {
        if (_bytes.Length - _end >= bytes)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Length + bytes, Room));
        Memory.CopyTo(larger);
        var length = Length;
        Clear();
        (_bytes, _end) = (larger, length);
    }
}
