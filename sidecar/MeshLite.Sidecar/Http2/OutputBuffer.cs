using System.Buffers;

namespace MeshLite.Sidecar.Http2;

/// <summary>Bytes that grow at their end, in an array of the pool; empty, it holds none. Not thread-safe.</summary>
internal sealed class OutputBuffer
{
    private const int FirstSize = 4 * 1024;

    private byte[] _bytes = [];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    /// <summary>Room for at least <paramref name="size"/> bytes, of which <see cref="Advance"/> says how many were used.</summary>
    public Span<byte> Reserve(int size)
    {
        if (_bytes.Length - Length < size)
        {
            Grow(size);
        }

        return _bytes.AsSpan(Length);
    }

    public void Advance(int written) => Length += written;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    /// <summary>A frame (RFC 9113 §4.1), whose payload is at most <see cref="Http2FrameHeader.MaxLength"/>.</summary>
    public void AppendFrame(Http2FrameType type, Http2Flags flags, int stream, ReadOnlySpan<byte> payload)
    {
        new Http2FrameHeader(payload.Length, type, flags, stream).Write(Reserve(Http2FrameHeader.Size + payload.Length));
        Length += Http2FrameHeader.Size;
        Append(payload);
    }

    /// <summary>Forgets what was written and keeps the array.</summary>
    public void Reset() => Length = 0;

    /// <summary>Gives the array back.</summary>
    public void Release()
    {
        Length = 0;
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
            _bytes = [];
        }
    }

    private void Grow(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, Math.Max(Length + size, _bytes.Length * 2)));
        Written.Span.CopyTo(larger);
        if (_bytes.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_bytes);
        }

        _bytes = larger;
    }
}
