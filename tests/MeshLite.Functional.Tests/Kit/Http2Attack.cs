using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// Frames no client needs, in such numbers that a server which keeps something of each, or answers each, is worn out. What CVE records and
/// RFC 9113 §10.5 tell of. Immutable.
/// </summary>
/// <param name="Name">For messages.</param>
/// <param name="Frames">Behind preface and SETTINGS.</param>
/// <param name="IsBorne">Each frame alone is allowed and costs nothing that stays: the connection goes on. False: it must be ended.</param>
internal sealed record Http2Attack(string Name, Func<Http2Target, IEnumerable<byte[]>> Frames, bool IsBorne)
{
    private const int Many = 20_000;

    private const byte Data = 0, Headers = 1, Priority = 2, ResetStream = 3, Settings = 4, Ping = 6, WindowUpdate = 8, Continuation = 9;

    private const byte EndStream = 1, EndHeaders = 4;

    private static readonly byte[] LastPing = "the last"u8.ToArray();

    public static IReadOnlyList<Http2Attack> All { get; } =
    [
        new("rapid reset (CVE-2023-44487)", to => Enumerable.Range(0, Many).Select(i => (byte[])[.. Frame(Headers, to.WholeFlags | EndHeaders, (2 * i) + 1, to.Whole), .. Frame(ResetStream, 0, (2 * i) + 1, Number(8))]), IsBorne: false),
        new("streams made to be reset (CVE-2025-8671)", to => Enumerable.Range(0, Many).Select(i => (byte[])[.. Frame(Headers, EndHeaders, (2 * i) + 1, to.Begun), .. Frame(WindowUpdate, 0, (2 * i) + 1, Number(0))]), IsBorne: false),
        new("SETTINGS (CVE-2019-9515)", to => Enumerable.Repeat(Frame(Settings, 0, 0, []), Many), IsBorne: true),
        new("SETTINGS as large as they can be", to => Enumerable.Repeat(Frame(Settings, 0, 0, [.. Enumerable.Repeat((byte[])[0, 3, 0, 0, 1, 0], 2_700).SelectMany(s => s)]), 100), IsBorne: true),
        new("a header table that comes and goes", to => Enumerable.Range(0, 4_000).Select(i => Frame(Settings, 0, 0, [0, 1, 0, 0, (byte)(i % 2 * 16), 0])), IsBorne: true),
        new("PING (CVE-2019-9512)", to => Enumerable.Repeat(Frame(Ping, 0, 0, new byte[8]), Many), IsBorne: true),
        new("PRIORITY (CVE-2019-9513)", to => Enumerable.Range(0, Many).Select(i => Frame(Priority, 0, (2 * i) + 1, [0, 0, 0, 0, (byte)i])), IsBorne: true),
        new("WINDOW_UPDATE", to => Enumerable.Repeat(Frame(WindowUpdate, 0, 0, Number(1)), Many), IsBorne: true),
        new("a window beyond its end", to => Enumerable.Repeat(Frame(WindowUpdate, 0, 0, Number(int.MaxValue)), 2), IsBorne: false),
        new("a window that grows by nothing", to => [Frame(WindowUpdate, 0, 0, Number(0))], IsBorne: false),
        new("empty DATA (CVE-2019-9518)", to => [Frame(Headers, EndHeaders, 1, to.Begun), .. Enumerable.Repeat(Frame(Data, 0, 1, []), Many), Frame(ResetStream, 0, 1, Number(8))], IsBorne: true),
        new("padding and nothing else", to => [Frame(Headers, EndHeaders, 1, to.Begun), .. Enumerable.Repeat(Frame(Data, 8, 1, [255, .. new byte[255]]), 2_000), Frame(ResetStream, 0, 1, Number(8))], IsBorne: true),
        new("CONTINUATION (CVE-2024-27316)", to => [Frame(Headers, 0, 1, to.Whole), .. Enumerable.Range(0, 10_000).Select(i => Frame(Continuation, 0, 1, Field($"x-{i}", new string('v', 1_000))))], IsBorne: false),
        new("a header list that unfolds (CVE-2016-6581)", to => [Frame(Headers, EndStream | EndHeaders, 1, [.. to.Whole, .. Field("x", new string('v', 3_900), indexed: true), .. Enumerable.Repeat((byte)0xbe, 10_000)])], IsBorne: false),
        new("a number without end in HPACK", to => [Frame(Headers, EndStream | EndHeaders, 1, [0x7f, .. Enumerable.Repeat((byte)0xff, 100)])], IsBorne: false),
        new("a frame larger than agreed", to => [Frame(Data, 0, 1, new byte[16_385])], IsBorne: false),
        new("PUSH_PROMISE of a client", to => [Frame(5, EndHeaders, 1, [0, 0, 0, 2, .. to.Whole])], IsBorne: false),
        new("frames nobody knows", to => Enumerable.Range(0, Many).Select(i => Frame((byte)(16 + (i % 200)), 0, 0, new byte[8])), IsBorne: true),
    ];

    /// <summary>Runs it. What the server made of it: "borne" (a PING at the end is answered), or how it ended the connection.</summary>
    public async Task<string> RunAsync(IPEndPoint port, Http2Target target)
    {
        using var wire = await Wire.OpenAsync(port);
        var ending = EndingAsync(wire);
        try
        {
            await wire.SendAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, [])]);
            foreach (var some in Frames(target).Chunk(100))
            {
                await wire.SendAsync(some.SelectMany(frame => frame).ToArray());
            }

            await wire.SendAsync(Frame(Ping, 0, 0, LastPing));
        }
        catch (SocketException)
        {
            // Ended under way.
        }

        return await ending;
    }

    /// <summary>A frame as it travels.</summary>
    public static byte[] Frame(byte type, int flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        frame[3] = type;
        frame[4] = (byte)flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    public override string ToString() => Name;

    private static async Task<string> EndingAsync(Wire wire)
    {
        try
        {
            while (await wire.ReadAsync(9) is { Length: 9 } head)
            {
                var payload = await wire.ReadAsync(BinaryPrimitives.ReadInt32BigEndian(head) >> 8);
                switch (head[3])
                {
                    case Ping when payload.AsSpan().SequenceEqual(LastPing):
                        return "borne";
                    case 7 when BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4)) is 0:
                        break; // asked to go; it does not
                    case 7:
                        return $"GOAWAY {BinaryPrimitives.ReadInt32BigEndian(payload.AsSpan(4))}";
                }
            }

            return "closed";
        }
        catch (SocketException)
        {
            return "reset";
        }
    }

    private static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    // A literal (RFC 7541 §6.2), kept in the dynamic table or not; no Huffman.
    internal static byte[] Field(string name, string value, bool indexed = false) => [indexed ? (byte)0x40 : (byte)0, .. Text(name), .. Text(value)];

    // RFC 7541 §5.1, a prefix of 7 bits.
    private static IEnumerable<byte> Text(string text)
    {
        List<byte> length = [];
        if (text.Length < 127)
        {
            length.Add((byte)text.Length);
        }
        else
        {
            length.Add(127);
            var rest = text.Length - 127;
            for (; rest >= 128; rest /= 128)
            {
                length.Add((byte)((rest % 128) + 128));
            }

            length.Add((byte)rest);
        }

        return [.. length, .. Encoding.Latin1.GetBytes(text)];
    }
}

/// <summary>What the requests of an attack ask for: header blocks. Immutable.</summary>
/// <param name="Whole">Of a request that is one frame.</param>
/// <param name="Begun">Of one whose body is still to come.</param>
/// <param name="WholeFlags">END_STREAM; 0 where a request without body is answered at once: then the whole one is also waited for.</param>
internal sealed record Http2Target(byte[] Whole, byte[] Begun, int WholeFlags)
{
    /// <summary>The service of a mesh.</summary>
    public static Http2Target Orders { get; } = new(Block("GET", "/", "orders"), Block("POST", "/", "orders"), WholeFlags: 1);

    /// <summary>The control plane's only method that wants no certificate.</summary>
    public static Http2Target Certify { get; } = Awaited("/meshlite.v1.Identity/Certify", "application/grpc");

    /// <summary>A webhook.</summary>
    public static Http2Target Webhook { get; } = Awaited("/validate", "application/json");

    private static Http2Target Awaited(string path, string type)
    {
        byte[] block = [.. Block("POST", path, "control-plane", "https"), .. Http2Attack.Field("content-type", type)];
        return new(block, block, WholeFlags: 0);
    }

    private static byte[] Block(string method, string path, string authority, string scheme = "http") =>
        [.. Http2Attack.Field(":method", method), .. Http2Attack.Field(":scheme", scheme), .. Http2Attack.Field(":path", path), .. Http2Attack.Field(":authority", authority)];
}
