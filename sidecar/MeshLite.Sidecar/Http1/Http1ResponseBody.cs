using System.Runtime.CompilerServices;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Http1;

/// <summary>
/// A response's body, read from its connection as it is asked for. Once it is whole the connection may take another request; disposed before, it is closed, unless
/// the rest has come already. One reader at a time; disposing may come at any time.
/// </summary>
/// <param name="connection">Whose response it is.</param>
/// <param name="response">Gets the trailers.</param>
/// <param name="length">Bytes, <see cref="Http1ResponseHead.Chunked"/> or <see cref="Http1ResponseHead.UntilClose"/>; not 0.</param>
internal sealed class Http1ResponseBody(Http1Connection connection, HttpResponseMessage response, long length) : ReadOnlyStream
{
    private readonly bool _chunked = length == Http1ResponseHead.Chunked;
    private readonly bool _untilClose = length == Http1ResponseHead.UntilClose;
    private ChunkReader _chunks;
    private long _left = Math.Max(0, length);
    private int _reading;
    private int _over;
    private bool _ended;
    private Exception? _failure;

    /// <summary>Bytes that may be taken before there is framing again.</summary>
    private long Takeable => _untilClose ? long.MaxValue : _chunked ? _chunks.Left : _left;

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || _failure is not null)
        {
            return _failure is null ? ValueTask.FromResult(0) : ValueTask.FromException<int>(_failure);
        }

        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException("There is one reader of a body at a time.");
        }

        try
        {
            if (TryRead(buffer.Span, out var read))
            {
                read += MoreThatIsThere(buffer.Span[read..]);
                Volatile.Write(ref _reading, 0);
                return ValueTask.FromResult(read);
            }
        }
        catch (Exception e)
        {
            return ValueTask.FromException<int>(Fail(e));
        }

        return ReadMoreAsync(buffer, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && !_ended)
        {
            // Beside a read that is under way it is closing that makes it fail, if that is not whole just now.
            if (!(Interlocked.Exchange(ref _reading, 1) == 0 && _failure is null && TrySkip()) && IsFirstToEnd())
            {
                connection.Abandon();
            }

            _failure ??= new ObjectDisposedException(nameof(Http1ResponseBody));
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadMoreAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        try
        {
            int read;
            do
            {
                if (Takeable > 0 && !buffer.IsEmpty)
                {
                    // Past the connection's own buffer, which is empty.
                    read = await connection.ReadAsync(buffer[..(int)Math.Min(buffer.Length, Takeable)], cancellationToken);
                    if (read > 0)
                    {
                        Taken(read);
                        break;
                    }
                }
                else if ((read = await connection.MoreAsync(cancellationToken)) > 0)
                {
                    connection.Came(read);
                    continue;
                }

                read = _untilClose && !connection.IsClosed ? 0 : throw new IOException("the connection was closed before the response was whole");
                End();
                break;
            }
            while (!TryRead(buffer.Span, out read));

            Volatile.Write(ref _reading, 0);
            return read;
        }
        catch (Exception e)
        {
            throw Fail(e);
        }
    }

    /// <summary>From what has come. False: that is not enough. Of a read of no bytes, whether there is something to read.</summary>
    private bool TryRead(Span<byte> into, out int read)
    {
        read = 0;
        if (_chunked && Takeable == 0)
        {
            connection.Consume(_chunks.Read(connection.Buffered, out var trailers));
            if (_chunks.IsAtEnd)
            {
                if (trailers.Length > "\r\n"u8.Length)
                {
                    Http1ResponseHead.ParseTrailers(trailers, response.TrailingHeaders, connection.Strings);
                }

                End();
                return true;
            }
        }

        var there = connection.Buffered;
        if (Takeable == 0 || there.IsEmpty)
        {
            return false;
        }

        read = (int)Math.Min(Math.Min(into.Length, there.Length), Takeable);
        there[..read].CopyTo(into);
        connection.Consume(read);
        Taken(read);
        return true;
    }

    /// <summary>Behind what came with the head there is often more, which then goes on in one piece with it.</summary>
    private int MoreThatIsThere(Span<byte> into)
    {
        if (_ended || into.IsEmpty || Takeable == 0)
        {
            return 0;
        }

        var read = connection.ReadNow(into[..(int)Math.Min(into.Length, Takeable)]);
        Taken(read);
        return read;
    }

    private void Taken(int count)
    {
        if (_chunked)
        {
            _chunks.Take(count);
        }
        else if (!_untilClose && (_left -= count) == 0)
        {
            End();
        }
    }

    private void End()
    {
        _ended = true;
        if (IsFirstToEnd())
        {
            connection.EndExchange();
        }
    }

    /// <summary>Of the reader and who disposes: the connection is the one's to give back or the other's to close, and by then may be somebody else's.</summary>
    private bool IsFirstToEnd() => Interlocked.Exchange(ref _over, 1) == 0;

    /// <summary>What nobody reads costs the connection only where it is still on its way.</summary>
    private bool TrySkip()
    {
        Span<byte> nowhere = stackalloc byte[512];
        try
        {
            while (!_ended && TryRead(nowhere, out _))
            {
                // All that has come.
            }
        }
        catch (HttpRequestException)
        {
            // Malformed: it is closed.
        }

        return _ended;
    }

    private Exception Fail(Exception e)
    {
        connection.Abandon();
        return _failure = e is ObjectDisposedException ? new IOException("the connection was closed", e) : e;
    }
}
