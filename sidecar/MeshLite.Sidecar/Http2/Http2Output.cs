using System.Buffers.Binary;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// What goes out on a connection: frames are appended under the connection's lock, and one work item of the thread pool writes all that there are. It stands in
/// the pool's queue behind what is ready to run, so that requests which come at once leave in one write.
/// </summary>
/// <param name="transport">Written to by one flush at a time; ended after the last, which is <see cref="GoAway_NeedsLock"/>.</param>
/// <param name="gate">The connection's lock.</param>
/// <param name="failed">A write failed.</param>
internal sealed class Http2Output(Stream transport, Lock gate, Action<Exception> failed) : IThreadPoolWorkItem
{
    private OutputBuffer _pending = new();
    private OutputBuffer _sending = new();
    private bool _flushing;
    private bool _closing;

    /// <summary>Bytes not yet being written.</summary>
    public int Pending => _pending.Length;

    /// <summary>How many flushes have begun. What is appended now goes out with the next.</summary>
    public int Flushes { get; private set; }

    /// <summary>Called under the lock whenever what was pending is being written: there is room.</summary>
    public Action? Flushing { get; init; }

    /// <summary>Header block of a request, in as many frames as it needs (RFC 9113 §6.2, §6.10).</summary>
    public void Headers_NeedsLock(int stream, ReadOnlySpan<byte> block, bool endStream)
    {
        var type = Http2FrameType.Headers;
        var flags = endStream ? Http2Flags.EndStream : Http2Flags.None;
        do
        {
            var part = block[..Math.Min(block.Length, Http2FrameHeader.MaxLength)];
            block = block[part.Length..];
            Frame_NeedsLock(type, block.IsEmpty ? flags | Http2Flags.EndHeaders : flags, stream, part);
            type = Http2FrameType.Continuation;
            flags = Http2Flags.None;
        }
        while (!block.IsEmpty);
    }

    /// <summary>A frame, whose payload is at most <see cref="Http2FrameHeader.MaxLength"/>.</summary>
    public void Frame_NeedsLock(Http2FrameType type, Http2Flags flags, int stream, ReadOnlySpan<byte> payload)
    {
        _pending.AppendFrame(type, flags, stream, payload);
        if (!_flushing)
        {
            _flushing = true;
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>A frame of one number.</summary>
    public void Frame_NeedsLock(Http2FrameType type, int stream, int payload)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, payload);
        Frame_NeedsLock(type, Http2Flags.None, stream, bytes);
    }

    /// <summary>GOAWAY: nothing of the server's was begun here (it may push nothing), so the last stream is 0.</summary>
    public void GoAway_NeedsLock(Http2Error code)
    {
        Span<byte> payload = stackalloc byte[2 * sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(payload, 0);
        BinaryPrimitives.WriteInt32BigEndian(payload[sizeof(int)..], (int)code);
        Frame_NeedsLock(Http2FrameType.GoAway, Http2Flags.None, 0, payload);
        _closing = true;
    }

    /// <summary>Forgets what is not yet being written: all of it is whole frames, and header blocks leave nothing behind in the peer's table.</summary>
    public void Discard_NeedsLock() => _pending.Release();

    void IThreadPoolWorkItem.Execute() => _ = FlushAsync();

    private async Task FlushAsync()
    {
        try
        {
            while (TryTake(out var last))
            {
                await transport.WriteAsync(_sending.Written);
                _sending.Release();
                if (last)
                {
                    await transport.DisposeAsync();
                    return;
                }
            }
        }
        catch (Exception e)
        {
            failed(e); // whatever it is, the connection is of no more use
        }
    }

    private bool TryTake(out bool last)
    {
        lock (gate)
        {
            last = _closing;
            if (_pending.Length == 0)
            {
                _flushing = false;
                return false;
            }

            (_pending, _sending) = (_sending, _pending);
            Flushes++;
            Flushing?.Invoke();
            return true;
        }
    }
}
