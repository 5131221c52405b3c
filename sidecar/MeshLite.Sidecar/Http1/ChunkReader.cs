using System.Buffers.Text;

namespace MeshLite.Sidecar.Http1;

/// <summary>Where a chunked body (RFC 9112 §7.1) stands: told each piece of framing that has come, it says how many bytes of data follow. A value; not thread-safe.</summary>
internal struct ChunkReader
{
    private State _state;
    private int _scanned;

    private enum State
    {
        Size,
        Data,
        AfterData,
        Trailers,
        End,
    }

    /// <summary>Bytes of the chunk under way that have not been taken.</summary>
    public long Left { get; private set; }

    /// <summary>The body is whole, its trailers included.</summary>
    public readonly bool IsAtEnd => _state == State.End;

    /// <summary>So many bytes of data were taken.</summary>
    public void Take(int count)
    {
        Left -= count;
        if (Left == 0)
        {
            _state = State.AfterData;
        }
    }

    /// <summary>
    /// Reads framing up to where data follows or the body ends. Gives the bytes it used; where neither is reached, more must come behind those it did not use.
    /// <paramref name="trailers"/>: of a body that ends, all of its trailers with their empty line.
    /// </summary>
    /// <exception cref="HttpRequestException">It is malformed.</exception>
    public int Read(ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> trailers)
    {
        trailers = [];
        var used = 0;
        while (_state is not (State.Data or State.End))
        {
            var rest = bytes[used..];
            if (_state == State.Trailers)
            {
                var end = Http1ResponseHead.EndOf(rest, ref _scanned);
                if ((end == 0 ? rest.Length + 1 : end) > Http1Limits.MaxHead)
                {
                    throw Http1ResponseHead.Malformed($"trailers of over {Http1Limits.MaxHead / 1024} KiB");
                }

                if (end == 0)
                {
                    return used;
                }

                trailers = rest[..end];
                _state = State.End;
                return used + end;
            }

            var line = rest.IndexOf("\r\n"u8);
            if (line < 0)
            {
                return rest.Length <= (_state == State.AfterData ? 0 : Http1Limits.MaxChunkLine) + 1 ? used : throw Framing(); // its CR may have come
            }

            if (_state == State.AfterData)
            {
                _state = line == 0 ? State.Size : throw Framing();
            }
            else
            {
                Left = SizeOf(rest[..line]);
                _state = Left == 0 ? State.Trailers : State.Data;
            }

            used += line + 2;
        }

        return used;
    }

    // An extension is passed over; between it and the size there may be blanks (§7.1.1).
    private static long SizeOf(ReadOnlySpan<byte> line)
    {
        var extension = line.IndexOf((byte)';');
        var digits = (extension < 0 ? line : line[..extension]).TrimEnd(" \t"u8);
        return line.Length <= Http1Limits.MaxChunkLine && !line.ContainsAny((byte)'\r', (byte)'\n') && Utf8Parser.TryParse(digits, out long size, out var parsed, 'x') && parsed == digits.Length && size >= 0
            ? size
            : throw Framing();
    }

    private static HttpRequestException Framing() => Http1ResponseHead.Malformed("a chunk that does not begin or end as chunks do");
}
