using System.Net.Sockets;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Http2.Hpack;
using MeshLite.Sidecar.Tests.Http2.Hpack;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>The server's end of a connection, which says and reads frames as a test wants, and the client at the other end, on manual time.</summary>
internal sealed class ScriptedPeer : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly SocketPair _sockets;
    private readonly NetworkStream _stream;
    private readonly HpackDecoder _decoder = new(4096);
    private Http2Idling _idling = Http2Idling.Mesh;
    private int _unusable;

    private ScriptedPeer(SocketPair sockets)
    {
        _sockets = sockets;
        _stream = new NetworkStream(sockets.Server);
        Transport = new GateStream(new NetworkStream(sockets.Client, ownsSocket: true));
    }

    public ManualTimeProvider Time { get; } = new();

    public GateStream Transport { get; }

    public Http2Connection Connection { get; private set; } = null!;

    /// <summary>How often it was told that the connection takes no further requests.</summary>
    public int Unusable => Volatile.Read(ref _unusable);

    /// <summary>Nothing said yet by either side.</summary>
    public static async Task<ScriptedPeer> CreateAsync() => new(await SocketPair.CreateAsync());

    /// <summary>Both have said their settings.</summary>
    public static async Task<ScriptedPeer> ConnectAsync(params (Http2Setting Name, int Value)[] settings) => await ConnectAsync(null, settings);

    public static Task<ScriptedPeer> ConnectAsync(Action<Http2Connection>? unusable, params (Http2Setting Name, int Value)[] settings) =>
        ConnectAsync(Http2Idling.Mesh, unusable, settings);

    public static async Task<ScriptedPeer> ConnectAsync(Http2Idling idling, Action<Http2Connection>? unusable = null, params (Http2Setting Name, int Value)[] settings)
    {
        var peer = await CreateAsync();
        peer._idling = idling;
        var open = peer.OpenAsync(unusable: unusable);
        await peer.PrefaceAsync();
        await peer.SendAsync(Frame.Settings(settings));
        peer.Connection = await open.WaitAsync(Patience);
        (await peer.ReadAsync()).ShouldSatisfyAllConditions(f => f.Type.ShouldBe(Http2FrameType.Settings), f => f.Flags.ShouldBe(Http2Flags.None));
        (await peer.ReadAsync(Http2FrameType.WindowUpdate)).Number.ShouldBe(Http2Limits.ConnectionWindow - 65_535);
        (await peer.ReadAsync(Http2FrameType.Settings)).Flags.ShouldBe(Http2Flags.Ack);
        return peer;
    }

    public Task<Http2Connection> OpenAsync(CancellationToken cancellation = default, Action<Http2Connection>? unusable = null) => Http2Connection.OpenAsync(
        Transport,
        _idling,
        connection =>
        {
            Interlocked.Increment(ref _unusable);
            unusable?.Invoke(connection);
        },
        Time,
        cancellation);

    public async Task PrefaceAsync()
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        var preface = new byte[24];
        await _stream.ReadExactlyAsync(preface, patience.Token);
        preface.ShouldBe("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
    }

    /// <summary>In one write.</summary>
    public async Task SendAsync(params byte[][] frames) => await _stream.WriteAsync((byte[])[.. frames.SelectMany(f => f)]);

    /// <summary>The next frame; null: the client has closed.</summary>
    public async Task<Frame?> TryReadAsync()
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        var head = new byte[Http2FrameHeader.Size];
        try
        {
            if (await _stream.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, patience.Token) < head.Length)
            {
                return null;
            }
        }
        catch (IOException)
        {
            return null; // it closed while there was more to read
        }

        var header = Http2FrameHeader.Read(head);
        var payload = new byte[header.Length];
        await _stream.ReadExactlyAsync(payload, patience.Token);
        return new Frame(header.Type, header.Flags, header.StreamId, payload);
    }

    public async Task<Frame> ReadAsync() => (await TryReadAsync()).ShouldNotBeNull();

    public async Task<Frame> ReadAsync(Http2FrameType type)
    {
        var frame = await ReadAsync();
        frame.Type.ShouldBe(type, $"{frame}");
        return frame;
    }

    /// <summary>The next head, whole.</summary>
    public async Task<(Frame Frame, List<(string Name, string Value)> Fields)> ReadHeadAsync()
    {
        var frame = await ReadAsync(Http2FrameType.Headers);
        var block = frame.Payload.ToList();
        for (var last = frame; !last.Flags.HasFlag(Http2Flags.EndHeaders); block.AddRange(last.Payload))
        {
            last = await ReadAsync(Http2FrameType.Continuation);
        }

        return (frame, Fields.Of(_decoder, block.ToArray()));
    }

    /// <summary>DATA until it has so many bytes, or the stream ends.</summary>
    public async Task<(byte[] Bytes, Frame Last)> ReadDataAsync(int count)
    {
        var bytes = new List<byte>();
        Frame last;
        do
        {
            last = await ReadAsync(Http2FrameType.Data);
            bytes.AddRange(last.Payload);
        }
        while (!last.Ends && bytes.Count < count);
        return ([.. bytes], last);
    }

    /// <summary>Waits until the client has taken in all that was sent. Gives the frames it had sent by then.</summary>
    public async Task<List<Frame>> SyncAsync()
    {
        var frames = new List<Frame>();
        await SendAsync(Frame.Of(Http2FrameType.Ping, 0, 0, "whatever"u8));
        while (true)
        {
            var frame = await ReadAsync();
            if (frame is { Type: Http2FrameType.Ping, Flags: Http2Flags.Ack })
            {
                frame.Payload.ShouldBe("whatever"u8.ToArray());
                return frames;
            }

            frames.Add(frame);
        }
    }

    /// <summary>Reads on until the connection is closed; gives the GOAWAY's code.</summary>
    public async Task<Http2Error?> EndAsync()
    {
        Http2Error? code = null;
        while (await TryReadAsync() is { } frame)
        {
            code = frame.Type == Http2FrameType.GoAway ? (Http2Error)frame.Number : code;
        }

        return code;
    }

    /// <summary>Sends no more.</summary>
    public void Shutdown() => _sockets.Server.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the TCP connection.</summary>
    public void Abort()
    {
        _sockets.Server.LingerState = new LingerOption(enable: true, seconds: 0);
        _sockets.Server.Close();
    }

    public Task<HttpResponseMessage> Get(CancellationToken cancellation = default) => Send(new HttpRequestMessage(HttpMethod.Get, "http://example.test/"), cancellation);

    public Task<HttpResponseMessage> Post(HttpContent content, CancellationToken cancellation = default) =>
        Send(new HttpRequestMessage(HttpMethod.Post, "http://example.test/") { Content = content }, cancellation);

    public Task<HttpResponseMessage> Send(HttpRequestMessage request, CancellationToken cancellation = default)
    {
        Connection.TrySend(request, out var response, cancellation).ShouldBeTrue();
        return response!;
    }

    public bool IsFull() => !Connection.TrySend(new HttpRequestMessage(HttpMethod.Get, "http://example.test/"), out _, CancellationToken.None);

    /// <summary>A GET whose head was read here and whose response has begun.</summary>
    public async Task<HttpResponseMessage> GetBegunAsync(int stream)
    {
        var response = Get();
        (await ReadHeadAsync()).Frame.Stream.ShouldBe(stream);
        await SendAsync(Frame.Ok(stream));
        return await response.WaitAsync(Patience);
    }

    /// <summary>What the request's failure says of delivery.</summary>
    public static async Task<bool> IsUndeliveredAsync(Task<HttpResponseMessage> response) =>
        ForwardErrors.FromSend(await FailureAsync(response)).Undelivered;

    public static async Task<Exception> FailureAsync(Task task)
    {
        var failure = await Record.ExceptionAsync(() => task.WaitAsync(Patience));
        failure.ShouldNotBeOfType<TimeoutException>();
        return failure.ShouldNotBeNull();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _sockets.Dispose();
    }
}
