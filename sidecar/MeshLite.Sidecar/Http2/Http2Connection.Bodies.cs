using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace MeshLite.Sidecar.Http2;

/// <content>Bodies in both directions, and the windows they keep within (RFC 9113 §5.2).</content>
internal sealed partial class Http2Connection
{
    /// <summary>Sends what may be sent of a body. False: what is left has to wait for <paramref name="room"/>.</summary>
    /// <exception cref="IOException">Nobody takes it any more.</exception>
    public bool TrySendBody(Http2Stream stream, ref ReadOnlyMemory<byte> data, [NotNullWhen(false)] out Task? room)
    {
        room = null;
        lock (_gate)
        {
            while (!data.IsEmpty)
            {
                if (stream.SendClosed)
                {
                    throw new IOException("The server takes no more of the request's body.");
                }

                var size = Math.Min(Math.Min(data.Length, Http2FrameHeader.MaxLength), Math.Min(stream.SendWindow, _sendWindow));
                if (size <= 0 || _output.Pending > Http2Limits.MaxPending)
                {
                    room = Wait_NeedsLock(stream);
                    return false;
                }

                stream.SendWindow -= size;
                _sendWindow -= size;
                stream.Sent += size;
                var last = size == data.Length && stream.Sent == stream.BodyLength;
                _output.Frame_NeedsLock(Http2FrameType.Data, last ? Http2Flags.EndStream : Http2Flags.None, stream.Id, data.Span[..size]);
                data = data[size..];
                if (last)
                {
                    CloseSend_NeedsLock(stream);
                }
            }

            return true;
        }
    }

    /// <summary>The request's body is whole.</summary>
    public void EndSend(Http2Stream stream)
    {
        lock (_gate)
        {
            if (!stream.SendClosed)
            {
                _output.Frame_NeedsLock(Http2FrameType.Data, Http2Flags.EndStream, stream.Id, default);
                CloseSend_NeedsLock(stream);
            }
        }
    }

    /// <summary>The server answered before it was given the body, and shall not have it: the stream ends with the response.</summary>
    public void Withhold(Http2Stream stream)
    {
        lock (_gate)
        {
            stream.BodyWithheld = true;
            if (!stream.ReceiveClosed)
            {
                return;
            }
        }

        Reset(stream, Http2Error.Cancel);
    }

    /// <summary>The request's body broke off; unless that is because its request is over, which then is over too.</summary>
    public void BodyFailed(Http2Stream stream, Exception why)
    {
        if (Reset(stream, Http2Error.Cancel))
        {
            stream.Fail(why);
        }
    }

    /// <summary>Nobody wants the response.</summary>
    public void Abandon(Http2Stream stream)
    {
        if (Reset(stream, Http2Error.Cancel))
        {
            stream.StopBody();
        }
    }

    /// <summary>The response will be read no further. What is whole has been answered: its request's body goes on all the same.</summary>
    public void EndRead(Http2Stream stream)
    {
        bool whole;
        lock (_gate)
        {
            whole = stream.ReceiveClosed;
        }

        if (!whole)
        {
            Abandon(stream);
        }
        else if (stream.IsTunnel)
        {
            EndSend(stream);
        }
    }

    /// <summary>Bytes of responses that were read, or thrown away: as many more may come, on the connection and by <paramref name="credit"/> on their stream.</summary>
    public void Consumed(int bytes, int credit = 0, Http2Stream? stream = null)
    {
        if (Interlocked.Add(ref _consumed, bytes) < Http2Limits.ConnectionWindow / 4 && credit == 0)
        {
            return;
        }

        lock (_gate)
        {
            if (credit > 0 && stream is { ReceiveClosed: false })
            {
                _output.Frame_NeedsLock(Http2FrameType.WindowUpdate, stream.Id, credit);
            }

            if (_consumed >= Http2Limits.ConnectionWindow / 4)
            {
                var consumed = Interlocked.Exchange(ref _consumed, 0);
                Interlocked.Add(ref _received, -consumed);
                _output.Frame_NeedsLock(Http2FrameType.WindowUpdate, 0, consumed);
            }
        }
    }

    private void CloseSend_NeedsLock(Http2Stream stream)
    {
        stream.SendClosed = true;
        if (stream.ReceiveClosed)
        {
            Remove_NeedsLock(stream);
            CloseIfDone_NeedsLock();
        }
    }

    private Task Wait_NeedsLock(Http2Stream stream)
    {
        var queue = stream.SendWindow <= 0 ? null : _sendWindow <= 0 ? _needWindow : _needRoom;
        if (stream.Queue != queue)
        {
            stream.Queue?.Remove(stream); // its own window woke it meanwhile
            queue?.Add(stream);
            stream.Queue = queue;
        }

        stream.WindowWaiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return stream.WindowWaiter.Task;
    }

    private static void Wake_NeedsLock(List<Http2Stream> waiting)
    {
        foreach (var stream in waiting)
        {
            stream.Queue = null;
            stream.WindowWaiter?.TrySetResult();
        }

        waiting.Clear();
    }

    private void OnWindowUpdate(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        Expect(payload.Length == sizeof(int), "WINDOW_UPDATE");
        var more = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        if (header.StreamId == 0)
        {
            lock (_gate)
            {
                _sendWindow = more == 0 ? throw Wrong("a window update by nothing") : Larger(_sendWindow, more);
                Wake_NeedsLock(_needWindow);
            }
        }
        else if (Find(header.StreamId) is { } stream)
        {
            if (more == 0)
            {
                Refuse(stream, "a window update by nothing");
                return;
            }

            bool fits;
            lock (_gate)
            {
                fits = (long)stream.SendWindow + more <= int.MaxValue;
                stream.SendWindow += fits ? more : 0;
                stream.WindowWaiter?.TrySetResult();
            }

            if (!fits)
            {
                Refuse(stream, "a window that may not be", Http2Error.FlowControlError); // §6.9.1: the stream's error, not the connection's
            }
        }
    }

    private void SetInitialWindow_NeedsLock(uint value)
    {
        if (value > int.MaxValue)
        {
            throw new Http2ConnectionException(Http2Error.FlowControlError, "a window that may not be");
        }

        var change = (long)value - _initialWindow;
        _initialWindow = (int)value;
        foreach (var stream in _streams.Values)
        {
            stream.SendWindow = Larger(stream.SendWindow, change);
            stream.WindowWaiter?.TrySetResult();
        }
    }

    private static int Larger(int window, long by) =>
        window + by > int.MaxValue ? throw new Http2ConnectionException(Http2Error.FlowControlError, "a window that may not be") : (int)(window + by);

    private void OnData(in Http2FrameHeader header, ReadOnlySpan<byte> payload)
    {
        if (Interlocked.Add(ref _received, payload.Length) > Http2Limits.ConnectionWindow)
        {
            throw new Http2ConnectionException(Http2Error.FlowControlError, "data beyond the connection's window"); // §6.9.1
        }

        var data = Unpad(header, payload);
        var padding = payload.Length - data.Length;
        if (Find(header.StreamId) is not { } stream)
        {
            Consumed(payload.Length);
            return;
        }

        if (padding > 0)
        {
            Consumed(padding, stream.Pad(padding), stream); // §6.1: it counts for both windows
        }

        if (stream.ReceiveClosed)
        {
            Consumed(data.Length);
            Refuse(stream, AfterEnd);
        }
        else if (data.Length > 0 && stream.Append(data) is { } wrong)
        {
            Consumed(data.Length);
            Refuse(stream, wrong);
        }
        else if (header.Has(Http2Flags.EndStream))
        {
            EndReceive(stream);
        }
    }

    private void EndReceive(Http2Stream stream)
    {
        if (stream.WrongWithEnd() is { } wrong)
        {
            Refuse(stream, wrong);
            return;
        }

        bool withheld;
        lock (_gate)
        {
            stream.ReceiveClosed = true;
            withheld = stream.BodyWithheld;
            if (stream.SendClosed)
            {
                Remove_NeedsLock(stream);
                CloseIfDone_NeedsLock();
            }
        }

        if (withheld)
        {
            Reset(stream, Http2Error.Cancel); // RFC 9113 §8.1: or it would stay open for what is not sent
        }

        stream.Complete(); // last: a reader who is done at once must find it closed, or would reset a request that goes on
    }
}
