using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// HTTP/2 by hand (RFC 9113), without TLS: frames as the test wants them, header fields as literals (RFC 7541 §6.2.2) that
/// no library would encode. One user at a time.
/// </summary>
internal sealed class Http2Wire : IDisposable
{
    private readonly Wire _wire;

    private Http2Wire(Wire wire) => _wire = wire;

    public static async Task<Http2Wire> OpenAsync(IPEndPoint address)
    {
        var wire = new Http2Wire(await Wire.OpenAsync(address));
        await wire._wire.SendAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        await wire.SendAsync(type: 4, flags: 0, stream: 0, []);
        return wire;
    }

    /// <summary>HEADERS in one frame; its fields are sent as they are.</summary>
    public Task HeadersAsync(int stream, bool endStream, params (string Name, string Value)[] fields) =>
        SendAsync(type: 1, (byte)(4 | (endStream ? 1 : 0)), stream, [.. fields.SelectMany(f => Literal(f.Name, f.Value))]);

    /// <summary>DATA.</summary>
    public Task DataAsync(int stream, string data, bool endStream) => SendAsync(type: 0, (byte)(endStream ? 1 : 0), stream, Encoding.Latin1.GetBytes(data));

    public Task SendAsync(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return _wire.SendAsync(frame);
    }

    /// <summary>PING, and waits for its answer: what was sent before has been read.</summary>
    public async Task PingAsync()
    {
        await SendAsync(type: 6, flags: 0, stream: 0, new byte[8]);
        while (await _wire.ReadAsync(9) is { Length: 9 } head)
        {
            await _wire.ReadAsync(BinaryPrimitives.ReadInt32BigEndian(head) >> 8);
            if (head[3] == 6 && (head[4] & 1) != 0)
            {
                return;
            }
        }

        throw new SocketException((int)SocketError.ConnectionReset);
    }

    /// <summary>
    /// What became of a stream: its status; "reset" with the code of RST_STREAM or GOAWAY; "closed" where the connection just
    /// ended. SETTINGS and their kin are passed over.
    /// </summary>
    public async Task<string> OutcomeAsync(int stream)
    {
        while (await _wire.ReadAsync(9) is { Length: 9 } head)
        {
            var payload = await _wire.ReadAsync(BinaryPrimitives.ReadInt32BigEndian(head) >> 8);
            var of = BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5));
            switch (head[3])
            {
                case 1 when of == stream:
                    return Status(payload);
                case 3 when of == stream:
                    return $"reset {BinaryPrimitives.ReadInt32BigEndian(payload)}";
                case 7:
                    return $"reset {BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4))}";
            }
        }

        return "closed";
    }

    public void Dispose() => _wire.Dispose();

    // Kestrel begins with the status: indexed for the few of the static table (RFC 7541, Appendix A), a literal else.
    private static string Status(byte[] block)
    {
        var i = 0;
        while ((block[i] & 0xe0) == 0x20)
        {
            i++; // a table size update
        }

        string[] known = ["200", "204", "206", "304", "400", "404", "500"];
        return (block[i] & 0x80) != 0 ? known[(block[i] & 0x7f) - 8] : Encoding.Latin1.GetString(block, i + 2, 3);
    }

    private static IEnumerable<byte> Literal(string name, string value) => [0, .. Text(name), .. Text(value)];

    // Length below 127 is one byte (RFC 7541 §5.1); no Huffman.
    private static IEnumerable<byte> Text(string text)
    {
        text.Length.ShouldBeLessThan(127);
        return [(byte)text.Length, .. Encoding.Latin1.GetBytes(text)];
    }
}
