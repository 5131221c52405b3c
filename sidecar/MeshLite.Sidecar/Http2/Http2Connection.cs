using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// One HTTP/2 connection (RFC 9113), as its client: it opens streams, writes through <see cref="Http2Output"/>, and hands what the one reader
/// brings to the streams. Thread-safe. It is usable from the peer's first word (<see cref="OpenAsync"/>), so that what fails before was not delivered; afterwards
/// a request's exception says whether it was: <see cref="UnsentException"/>, or anything else.
/// </summary>
/// <remarks>
/// One lock guards which streams there are, what they may send, and what is written; nobody else's code runs under it. The reader alone
/// owns the decoder and the frames it is in the middle of.
/// </remarks>
internal sealed partial class Http2Connection : IDisposable
{
    private const int InitialWindow = 65_535; // RFC 9113 §6.9.2

    // RFC 9113 §3.4, §6.5, §6.9: the preface, settings (nothing pushed, the streams' window), the connection's window beyond what it begins with.
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
    private int _initialWindow = InitialWindow;
    private int _sendWindow = InitialWindow;
    private int _received; // and not yet consumed, or consumed and not yet told
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
            cancellationToken.ThrowIfCancellationRequested(); // which may have ended the transport just as the word came
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

    private static byte[] CreatePreface()
    {
        var to = new OutputBuffer();
        to.Append("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        Span<byte> payload = stackalloc byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(payload, (ushort)Http2Setting.EnablePush);
        BinaryPrimitives.WriteInt32BigEndian(payload[2..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(payload[6..], (ushort)Http2Setting.InitialWindowSize);
        BinaryPrimitives.WriteInt32BigEndian(payload[8..], Http2Limits.StreamWindow);
        to.AppendFrame(Http2FrameType.Settings, Http2Flags.None, 0, payload);
        BinaryPrimitives.WriteInt32BigEndian(payload, Http2Limits.ConnectionWindow - InitialWindow);
        to.AppendFrame(Http2FrameType.WindowUpdate, Http2Flags.None, 0, payload[..sizeof(int)]);
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
}
