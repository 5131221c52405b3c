using System.Buffers;
using System.Threading.Tasks.Sources;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// A response's body on its way from the connection's reader, which never waits for it, to whoever reads it. What was sent and not read is at most the
/// stream's window: more is allowed only as it is read. Bytes go straight to a reader that waits for them. One reader at a time; disposing ends the stream.
/// </summary>
internal sealed class ResponseBody(Http2Stream stream) : ReadOnlyStream, IValueTaskSource<int>
{
    private const int FirstSize = 256;

    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<int> _arrival = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _registration;
    private Memory<byte> _target;
    private byte[] _buffer = [];
    private int _start;
    private int _count;
    private int _unacknowledged;
    private bool _waiting;
    private bool _ended;
    private bool _disposed;
    private Exception? _failure;

    /// <summary>Bytes that have come. False: more than the window allowed (RFC 9113 §6.9.1).</summary>
    public bool Append(ReadOnlySpan<byte> data)
    {
        CancellationTokenRegistration registration = default;
        var read = 0;
        bool wakes;
        bool unwanted;
        lock (_gate)
        {
            if (_unacknowledged + _count + data.Length > Http2Limits.StreamWindow)
            {
                return false;
            }

            unwanted = _disposed;
            wakes = _waiting;
            if (!unwanted)
            {
                if (wakes)
                {
                    read = Math.Min(_target.Length, data.Length);
                    data[..read].CopyTo(_target.Span);
                    registration = StopWaiting_NeedsLock();
                }

                Keep(data[read..]);
            }
        }

        if (unwanted)
        {
            stream.Connection.Consumed(data.Length);
        }
        else if (wakes)
        {
            registration.Unregister();
            _arrival.SetResult(read);
        }

        return true;
    }

    /// <summary>Bytes of the window that were padding. Returns how many more may come.</summary>
    public int Pad(int bytes)
    {
        lock (_gate)
        {
            return Credit_NeedsLock(bytes);
        }
    }

    /// <summary>The body is whole.</summary>
    public void Complete()
    {
        CancellationTokenRegistration registration;
        lock (_gate)
        {
            _ended = true;
            if (!_waiting)
            {
                return;
            }

            registration = StopWaiting_NeedsLock();
        }

        registration.Unregister();
        _arrival.SetResult(0);
    }

    /// <summary>It will never be whole; what has come may still be read.</summary>
    public void Fail(Exception why)
    {
        CancellationTokenRegistration registration;
        lock (_gate)
        {
            if (_ended || _failure is not null)
            {
                return;
            }

            _failure = why;
            if (!_waiting)
            {
                return;
            }

            registration = StopWaiting_NeedsLock();
        }

        registration.Unregister();
        _arrival.SetException(Failure(why));
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = 0;
        var credit = 0;
        ValueTask<int> arrival = default;
        lock (_gate)
        {
            if (_count > 0)
            {
                read = Take(buffer.Span);
                credit = Credit_NeedsLock(read);
            }
            else if (_failure is not null)
            {
                return ValueTask.FromException<int>(Failure(_failure));
            }
            else if (!_ended)
            {
                arrival = Wait_NeedsLock(buffer);
            }
        }

        if (read > 0)
        {
            stream.Connection.Consumed(read, credit, stream);
        }

        return arrival == default ? ValueTask.FromResult(read) : ReadOnArrivalAsync(arrival, cancellationToken);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        var read = _arrival.GetResult(token);
        if (read > 0)
        {
            int credit;
            lock (_gate)
            {
                credit = Credit_NeedsLock(read);
            }

            stream.Connection.Consumed(read, credit, stream);
        }

        return read;
    }

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _arrival.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _arrival.OnCompleted(continuation, state, token, flags);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            int unread;
            lock (_gate)
            {
                if (_disposed)
                {
                    return;
                }

                _disposed = true;
                unread = _count;
                _count = 0;
                ReturnBuffer();
            }

            Fail(new ObjectDisposedException(nameof(ResponseBody)));
            stream.Connection.Consumed(unread);
            stream.Connection.EndRead(stream);
        }

        base.Dispose(disposing);
    }

    // A new object for each reader: an exception that several throw collects their stack traces.
    private static IOException Failure(Exception why) => new($"The response broke off: {why.Message}", why);

    private ValueTask<int> ReadOnArrivalAsync(ValueTask<int> arrival, CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            var registration = cancellationToken.UnsafeRegister(static (body, token) => ((ResponseBody)body!).CancelRead(token), this);
            lock (_gate)
            {
                if (_waiting)
                {
                    _registration = registration;
                    return arrival;
                }
            }

            registration.Unregister();
        }

        return arrival;
    }

    private ValueTask<int> Wait_NeedsLock(Memory<byte> buffer)
    {
        if (_waiting)
        {
            throw new InvalidOperationException("The body is being read already.");
        }

        _waiting = true;
        _target = buffer;
        _arrival.Reset();
        return new ValueTask<int>(this, _arrival.Version);
    }

    private CancellationTokenRegistration StopWaiting_NeedsLock()
    {
        var registration = _registration;
        _registration = default;
        _target = default;
        _waiting = false;
        return registration;
    }

    private void CancelRead(CancellationToken token)
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                return;
            }

            StopWaiting_NeedsLock();
        }

        _arrival.SetException(new OperationCanceledException(token));
    }

    private int Credit_NeedsLock(int read)
    {
        _unacknowledged += read;
        if (_ended || _unacknowledged < Http2Limits.StreamWindow / 2)
        {
            return 0;
        }

        var credit = _unacknowledged;
        _unacknowledged = 0;
        return credit;
    }

    private int Take(Span<byte> to)
    {
        var taken = Math.Min(to.Length, _count);
        _buffer.AsSpan(_start, taken).CopyTo(to);
        _start += taken;
        _count -= taken;
        if (_count == 0)
        {
            ReturnBuffer();
        }

        return taken;
    }

    private void Keep(ReadOnlySpan<byte> data)
    {
        if (data.IsEmpty)
        {
            return;
        }

        if (_buffer.Length - _start - _count < data.Length)
        {
            var roomy = ArrayPool<byte>.Shared.Rent(Math.Max(FirstSize, _count == 0 ? data.Length : Math.Max(_count + data.Length, _count * 2)));
            _buffer.AsSpan(_start, _count).CopyTo(roomy);
            var count = _count;
            ReturnBuffer();
            _buffer = roomy;
            _count = count;
        }

        data.CopyTo(_buffer.AsSpan(_start + _count));
        _count += data.Length;
    }

    private void ReturnBuffer()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = [];
        _start = 0;
    }
}
