using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// One HTTP/2 connection to a peer sidecar (RFC 9113), as its client: it opens streams, writes through <see cref="Http2Output"/>, and hands what the one reader
/// brings to the streams. Thread-safe. It is usable from the peer's first word (<see cref="OpenAsync"/>), so that what fails before was not delivered; afterwards
/// a request's exception says whether it was: <see cref="UnsentException"/>, or anything else.
/// </summary>
/// <remarks>
/// One lock guards which streams there are, what they may send, and what is written; nobody else's code runs under it. The reader alone
/// owns the decoder and the frames it is in the middle of.
/// </remarks>
internal sealed partial class Http2Connection : IDisposable
{
    // RFC 9113 §3.4, §6.5, §6.9: the preface, settings (nothing pushed, the streams' window), the connection's window beyond the 65,535 it begins with.
    private static readonly byte[] Preface = CreatePreface();

    [ThreadStatic]
    private static OutputBuffer? s_block;

    private readonly Lock _gate = new();
    private readonly Dictionary<int, Http2Stream> _streams = [];
    private readonly List<Http2Stream> _needWindow = []; // the connection's; whose own is used up waits for that alone
    private readonly List<Http2Stream> _needRoom = [];
    private readonly Stream _transport;
    private readonly FrameReader _reader;
    private readonly Http2Output _output;
    private readonly Action<Http2Connection> _unusable;
    private readonly Http2Idling _idling;
    private readonly long _opened;
    private ITimer? _timer;
    private int _lastId = -1;
    private int _maxStreams = int.MaxValue;
    private int _initialWindow = 65_535; // RFC 9113 §6.5.2
    private int _sendWindow = 65_535;
    private int _consumed;
    private long _heard;
    private long _idleSince;
    private long _pinged;
    private bool _retired;
    private bool _terminated;

    private Http2Connection(Stream transport, Http2Idling idling, Action<Http2Connection> unusable, TimeProvider time)
    {
        _idling = idling;
        Time = time;
        _transport = transport;
        _unusable = unusable;
        _reader = new FrameReader(transport);
        _output = new Http2Output(transport, _gate, e => Terminate(new IOException(e.Message, e))) { Flushing = () => Wake_NeedsLock(_needRoom) };
        _opened = _heard = _idleSince = time.GetTimestamp();
    }

    public TimeProvider Time { get; }

    /// <summary>Whether further requests may be sent by it, if not now.</summary>
    public bool IsUsable
    {
        get
        {
            lock (_gate)
            {
                return !_retired;
            }
        }
    }

    /// <summary>Whether it carries as many requests as the peer takes at once.</summary>
    public bool IsFull
    {
        get
        {
            lock (_gate)
            {
                return !_retired && _streams.Count > 0 && _streams.Count >= _maxStreams;
            }
        }
    }

    /// <summary>Sends the preface and waits for the peer's first word, its SETTINGS. Owns <paramref name="transport"/>, whatever comes.</summary>
    /// <param name="transport">Connected.</param>
    /// <param name="idling">How it is kept.</param>
    /// <param name="unusable">Told once, when no further request can be sent by it.</param>
    /// <param name="time">Counts.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="IOException">There was none.</exception>
    public static async Task<Http2Connection> OpenAsync(
        Stream transport, Http2Idling idling, Action<Http2Connection> unusable, TimeProvider time, CancellationToken cancellationToken)
    {
        var connection = new Http2Connection(transport, idling, unusable, time);
        try
        {
            await transport.WriteAsync(Preface, cancellationToken);
            await connection.FirstWordAsync(cancellationToken);
        }
        catch
        {
            connection._reader.Dispose();
            await transport.DisposeAsync();
            throw;
        }

        connection._timer = time.CreateTimer(static c => ((Http2Connection)c!).Tick(), connection, Shorter(Http2Limits.PingDelay, idling.IdleTimeout), Timeout.InfiniteTimeSpan);
        _ = connection.ReadAsync();
        return connection;
    }

    /// <summary>
    /// Begins a request, whose task ends with the response's head. False: this connection takes no further ones, or no more at once.
    /// </summary>
    /// <exception cref="HttpRequestException">A field of the request can't be written.</exception>
    public bool TrySend(HttpRequestMessage request, [NotNullWhen(true)] out Task<HttpResponseMessage>? response, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            response = Task.FromCanceled<HttpResponseMessage>(cancellationToken);
            return true;
        }

        var block = s_block ??= new OutputBuffer();
        block.Reset();
        var bodyLength = WriteHead(request, block);
        var stream = new Http2Stream(this, request, bodyLength);
        stream.Listen(cancellationToken);
        if (!TryOpen(stream, block.Written.Span, endStream: request.Content is null && !stream.IsTunnel))
        {
            stream.Forget();
            response = null;
            return false;
        }

        stream.Begin();
        response = stream.Task;
        return true;
    }

    /// <summary>Takes no further requests, and ends with the last of those it has.</summary>
    public void Dispose()
    {
        bool first;
        lock (_gate)
        {
            first = !_retired;
            _retired = true;
            CloseIfDone_NeedsLock();
        }

        if (first)
        {
            _unusable(this);
        }
    }

    /// <summary>Sends what may be sent of a body. False: what is left has to wait for <paramref name="room"/>.</summary>
    /// <exception cref="IOException">Nobody takes it any more.</exception>
    public bool TrySend(Http2Stream stream, ref ReadOnlyMemory<byte> data, [NotNullWhen(false)] out Task? room)
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
                _output.Frame_NeedsLock(Http2FrameType.WindowUpdate, 0, Interlocked.Exchange(ref _consumed, 0));
            }
        }
    }

    private static byte[] CreatePreface()
    {
        var to = new OutputBuffer();
        to.Append("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        Span<byte> payload = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)Http2Setting.EnablePush);
        BinaryPrimitives.WriteInt32BigEndian(payload[2..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(payload[6..], (ushort)Http2Setting.InitialWindowSize);
        BinaryPrimitives.WriteInt32BigEndian(payload[8..], Http2Limits.StreamWindow);
        new Http2FrameHeader(payload.Length, Http2FrameType.Settings, Http2Flags.None, 0).Write(to.Reserve(Http2FrameHeader.Size));
        to.Advance(Http2FrameHeader.Size);
        to.Append(payload);
        new Http2FrameHeader(sizeof(int), Http2FrameType.WindowUpdate, Http2Flags.None, 0).Write(to.Reserve(Http2FrameHeader.Size));
        to.Advance(Http2FrameHeader.Size);
        BinaryPrimitives.WriteInt32BigEndian(payload, Http2Limits.ConnectionWindow - 65_535);
        to.Append(payload[..sizeof(int)]);
        return to.Written.ToArray();
    }

    private static long WriteHead(HttpRequestMessage request, OutputBuffer to)
    {
        try
        {
            RequestHead.Write(request, to, out var bodyLength);
            return bodyLength;
        }
        catch (FormatException e)
        {
            throw new HttpRequestException($"The request can't be written. {e.Message}", e);
        }
    }

    private bool TryOpen(Http2Stream stream, ReadOnlySpan<byte> head, bool endStream)
    {
        lock (_gate)
        {
            if (_retired || _terminated || _streams.Count >= _maxStreams || _lastId >= int.MaxValue - 2 || _output.Pending > Http2Limits.MaxUnread)
            {
                return false;
            }

            _lastId += 2;
            stream.Open(_lastId, _output.Flushes + 1, _initialWindow);
            stream.SendClosed = endStream;
            _streams.Add(_lastId, stream);
            _output.Headers_NeedsLock(_lastId, head, endStream);
            return true;
        }
    }

    /// <summary>Ends a stream that is still open. False: it is not.</summary>
    private bool Reset(Http2Stream stream, Http2Error code)
    {
        lock (_gate)
        {
            if (!Remove_NeedsLock(stream))
            {
                return false;
            }

            _output.Frame_NeedsLock(Http2FrameType.RstStream, stream.Id, (int)code);
            CloseIfDone_NeedsLock();
            return true;
        }
    }

    private bool Remove_NeedsLock(Http2Stream stream)
    {
        if (!_streams.Remove(stream.Id))
        {
            return false;
        }

        stream.SendClosed = true;
        stream.ReceiveClosed = true;
        stream.Queue?.Remove(stream);
        stream.Queue = null;
        stream.WindowWaiter?.TrySetResult();

        if (_streams.Count == 0)
        {
            _idleSince = Time.GetTimestamp();
        }

        return true;
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

    private void CloseIfDone_NeedsLock()
    {
        if (_retired && !_terminated && _streams.Count == 0)
        {
            _terminated = true;
            _output.GoAway_NeedsLock(Http2Error.NoError);
            _timer?.Change(Http2Limits.PingTimeout, Timeout.InfiniteTimeSpan);
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

    /// <summary>Asks whether the peer is there, if it has been silent for long. Returns when to look again; below zero, it is not there.</summary>
    private TimeSpan Ping_NeedsLock(long now)
    {
        var heard = Volatile.Read(ref _heard);
        if (_pinged > heard)
        {
            var waited = Time.GetElapsedTime(_pinged, now);
            return waited >= Http2Limits.PingTimeout ? TimeSpan.MinValue : Http2Limits.PingTimeout - waited;
        }

        var silence = Time.GetElapsedTime(heard, now);
        if (silence < Http2Limits.PingDelay)
        {
            return Http2Limits.PingDelay - silence;
        }

        _pinged = Math.Max(now, heard + 1);
        _output.Frame_NeedsLock(Http2FrameType.Ping, Http2Flags.None, 0, "meshlite"u8);
        return Http2Limits.PingTimeout;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    /// <summary>Is it there, is it used, is it too old?</summary>
    private void Tick()
    {
        var retire = false;
        var dead = false;
        lock (_gate)
        {
            var now = Time.GetTimestamp();
            var next = _idling.IdleTimeout;
            if (_terminated)
            {
                _timer!.Dispose();
                _transport.Dispose(); // what the peer was to be told could not be written until now
                return;
            }

            var idle = _streams.Count == 0 ? Time.GetElapsedTime(_idleSince, now) : TimeSpan.Zero;
            retire = !_retired && (Time.GetElapsedTime(_opened, now) >= Http2Limits.Lifetime || idle >= _idling.IdleTimeout);
            next -= idle;
            if (_idling.Pings)
            {
                var left = Ping_NeedsLock(now);
                dead = left < TimeSpan.Zero;
                next = Shorter(next, left);
            }

            if (!dead)
            {
                _timer!.Change(next < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : next, Timeout.InfiniteTimeSpan);
            }
        }

        if (dead)
        {
            Terminate(new IOException($"no answer to a ping within {Http2Limits.PingTimeout.TotalSeconds:0} s"));
        }
        else if (retire)
        {
            Dispose();
        }
    }

    /// <summary>The connection is over, and with it all that is on it. <paramref name="error"/>: what the peer is told, if anything.</summary>
    private void Terminate(Exception why, Http2Error? error = null)
    {
        Http2Stream[] streams;
        int flushes;
        bool usable;
        lock (_gate)
        {
            flushes = _output.Flushes;
            streams = [.. _streams.Values];
            usable = !_retired;
            _retired = true;
            if (!_terminated)
            {
                _terminated = true;
                _output.Discard_NeedsLock(); // a request that is said to be unsent does not go out before the GOAWAY
                if (error is { } code)
                {
                    _output.GoAway_NeedsLock(code);
                }
            }

            foreach (var stream in streams)
            {
                Remove_NeedsLock(stream);
            }

            _timer?.Change(Http2Limits.PingTimeout, Timeout.InfiniteTimeSpan); // time to write what the peer is told
        }

        if (error is null)
        {
            _timer?.Dispose();
            _transport.Dispose();
        }

        if (usable)
        {
            _unusable(this);
        }

        foreach (var stream in streams)
        {
            stream.Fail(stream.Flush > flushes ? new UnsentException($"the connection ended before the request was written: {why.Message}", why) : Broken(why));
        }
    }

    private static HttpRequestException Broken(Exception why) => new(HttpRequestError.ResponseEnded, $"The connection ended: {why.Message}", why);
}
