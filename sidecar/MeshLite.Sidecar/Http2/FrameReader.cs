using System.Buffers;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// Cuts what a connection brings into frames. Holds a buffer of one frame, and none while it waits for an idle connection to say something.
/// One reader.
/// </summary>
internal sealed class FrameReader(Stream transport) : IDisposable
{
    private const int BufferSize = Http2FrameHeader.Size + Http2FrameHeader.MaxLength;

    private byte[]? _buffer;
    private int _start;
    private int _end;

    /// <summary>Waits for more; false: the connection has ended. What <see cref="TryRead"/> gave out is no longer there.</summary>
    /// <param name="idle">Nothing is awaited soon: memory is worth more than a read.</param>
    public async ValueTask<bool> FillAsync(bool idle)
    {
        if (_start == _end)
        {
            _start = _end = 0;
            if (idle)
            {
                Dispose();
#pragma warning disable CA2022 // A read of nothing: it waits until there is something.
                _ = await transport.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2022
            }
        }
        else if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }

        _buffer ??= ArrayPool<byte>.Shared.Rent(BufferSize);
        var read = await transport.ReadAsync(_buffer.AsMemory(_end));
        _end += read;
        return read > 0;
    }

    /// <summary>The next frame, if the whole of it is there; its payload lasts until more is read.</summary>
    /// <exception cref="Http2ConnectionException">It is longer than was allowed.</exception>
    public bool TryRead(out Http2FrameHeader header, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        header = default;
        var there = _end - _start;
        if (there < Http2FrameHeader.Size)
        {
            return false;
        }

        header = Http2FrameHeader.Read(_buffer.AsSpan(_start));
        if (header.Length > Http2FrameHeader.MaxLength)
        {
            throw new Http2ConnectionException(Http2Error.FrameSizeError, $"a frame of {header.Length} bytes");
        }

        if (there < Http2FrameHeader.Size + header.Length)
        {
            return false;
        }

        payload = _buffer.AsSpan(_start + Http2FrameHeader.Size, header.Length);
        _start += Http2FrameHeader.Size + header.Length;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer is { } buffer)
        {
            _buffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
