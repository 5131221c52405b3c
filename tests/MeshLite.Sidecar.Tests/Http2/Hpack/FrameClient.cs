using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Tests.Http2.Hpack;

/// <summary>Just enough HTTP/2 to send header blocks to a real server, one request at a time, and to get its blocks back as they are.</summary>
internal sealed class FrameClient : IDisposable
{
    private const int Data = 0;
    private const int Headers = 1;
    private const int Reset = 3;
    private const int Settings = 4;
    private const int Ping = 6;
    private const int GoAway = 7;
    private const int WindowUpdate = 8;
    private const int Continuation = 9;

    private const int EndStream = 1;
    private const int Ack = 1;
    private const int EndHeaders = 4;
    private const int MaxFrame = 16384;

    private readonly NetworkStream _stream;
    private int _nextStream = 1;

    private FrameClient(NetworkStream stream) => _stream = stream;

    /// <param name="server">On 127.0.0.1.</param>
    /// <param name="headerTableSize">Our SETTINGS_HEADER_TABLE_SIZE.</param>
    public static async Task<FrameClient> ConnectAsync(int server, int headerTableSize)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, server);
        var client = new FrameClient(new NetworkStream(socket, ownsSocket: true));
        await client._stream.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray());
        await client.SendAsync(Settings, 0, 0, [0, 1, .. BigEndian(headerTableSize)]);
        return client;
    }

    /// <summary>Sends a request without a body; gives the blocks of the response's head and its trailers, and its body.</summary>
    public async Task<(List<byte[]> Blocks, byte[] Body)> AskAsync(byte[] block)
    {
        var stream = _nextStream;
        _nextStream += 2;
        for (var at = 0; at == 0 || at < block.Length; at += MaxFrame)
        {
            var piece = block[at..Math.Min(block.Length, at + MaxFrame)];
            var flags = (at == 0 ? EndStream : 0) | (at + piece.Length == block.Length ? EndHeaders : 0);
            await SendAsync(at == 0 ? Headers : Continuation, flags, stream, piece);
        }

        var blocks = new List<byte[]>();
        var begun = new List<byte>();
        var body = new List<byte>();
        for (var ended = false; !ended || begun.Count > 0;)
        {
            var (type, flags, of, payload) = await ReadAsync();
            switch (type)
            {
                case Headers or Continuation:
                    of.ShouldBe(stream);
                    (flags & ~(EndStream | EndHeaders)).ShouldBe(0, "padded or with priority, which Kestrel does not do");
                    begun.AddRange(payload);
                    ended |= type == Headers && (flags & EndStream) != 0;
                    if ((flags & EndHeaders) != 0)
                    {
                        blocks.Add([.. begun]);
                        begun.Clear();
                    }

                    break;
                case Data:
                    body.AddRange(payload);
                    ended = (flags & EndStream) != 0;
                    if (payload.Length > 0)
                    {
                        await SendAsync(WindowUpdate, 0, 0, BigEndian(payload.Length));
                        await SendAsync(WindowUpdate, 0, stream, BigEndian(payload.Length));
                    }

                    break;
                case Settings or Ping when (flags & Ack) == 0:
                    await SendAsync(type, Ack, 0, type == Ping ? payload : []);
                    break;
                case Reset or GoAway:
                    throw new InvalidDataException($"{(type == Reset ? "RST_STREAM" : "GOAWAY")} {Convert.ToHexString(payload)} for {Convert.ToHexString(block)}");
            }
        }

        return (blocks, [.. body]);
    }

    public void Dispose() => _stream.Dispose();

    private async Task<(int Type, int Flags, int Stream, byte[] Payload)> ReadAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        var head = new byte[9];
        await _stream.ReadExactlyAsync(head, patience.Token);
        var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
        await _stream.ReadExactlyAsync(payload, patience.Token);
        return (head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload);
    }

    private async Task SendAsync(int type, int flags, int stream, byte[] payload) =>
        await _stream.WriteAsync((byte[])[.. BigEndian(payload.Length)[1..], (byte)type, (byte)flags, .. BigEndian(stream), .. payload]);

    private static byte[] BigEndian(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
