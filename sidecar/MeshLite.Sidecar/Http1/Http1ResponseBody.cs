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
    private bool _ended;
    private Exception? _failure;

    /// <summary>Bytes that may be taken before there is framing again.</summary>
    private long Takeable => _untilClose ? long.MaxValue : _chunked ? _chunks.Left : _left;

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended)
        {
            return ValueTask.FromResult(0);
        }

        if (_failure is not null)
        {
            return ValueTask.FromException<int>(_failure);
        }

        if (Interlocked.Exchange(ref _reading, 1) != 0)
        {
            throw new InvalidOperationException("There is one reader of a body at a time.");
        }

        try
        {
            if (TryRead(buffer.Span, out var read))
            {
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
        // Beside a read that is under way it is closing that makes it fail.
        if (disposing && !_ended && !(Interlocked.Exchange(ref _reading, 1) == 0 && _failure is null && TrySkip()))
        {
            connection.Close();
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

                read = _untilClose ? 0 : throw new IOException("the server closed the connection before its response was whole");
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
                Http1ResponseHead.ParseTrailers(trailers, response.TrailingHeaders, connection.Strings);
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
        read += MoreThatIsThere(into[read..], Takeable - read);
        Taken(read);
        return true;
    }

    /// <summary>Behind what came with the head there is often more, which then goes on in one piece with it.</summary>
    private int MoreThatIsThere(Span<byte> into, long takeable) =>
        takeable > 0 && !into.IsEmpty ? connection.ReadNow(into[..(int)Math.Min(into.Length, takeable)]) : 0;

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
        connection.EndExchange();
    }

    /// <summary>What nobody reads costs the connection only where it is still on its way.</summary>
    private bool TrySkip()
    {
        if (_chunked || _untilClose || connection.Buffered.Length < _left)
        {
            return false;
        }

        connection.Consume((int)_left);
        End();
        return true;
    }

    private Exception Fail(Exception e)
    {
        connection.Close();
        return _failure = e is ObjectDisposedException ? new IOException("the connection was closed", e) : e;
    }
}
