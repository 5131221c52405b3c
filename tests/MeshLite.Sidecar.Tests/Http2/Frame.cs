using System.Buffers.Binary;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Tests.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>A frame as it is on the wire (RFC 9113 §4.1, §6), and the bytes of some.</summary>
internal sealed record Frame(Http2FrameType Type, Http2Flags Flags, int Stream, byte[] Payload)
{
    /// <summary>The payload's last four bytes: a code, a window.</summary>
    public int Number => Payload.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32BigEndian(Payload.AsSpan(Payload.Length - sizeof(int)));

    public bool Ends => Flags.HasFlag(Http2Flags.EndStream);

    public static byte[] Of(Http2FrameType type, int flags, int stream, params ReadOnlySpan<byte> payload)
    {
        var bytes = new byte[Http2FrameHeader.Size + payload.Length];
        new Http2FrameHeader(payload.Length, type, (Http2Flags)flags, stream).Write(bytes);
        payload.CopyTo(bytes.AsSpan(Http2FrameHeader.Size));
        return bytes;
    }

    public static byte[] Head(int stream, bool ends, params (string Name, string Value)[] fields) =>
        Of(Http2FrameType.Headers, ends ? 5 : 4, stream, Fields.Encoded(fields));

    public static byte[] Ok(int stream, bool ends = false) => Head(stream, ends, (":status", "200"));

    public static byte[] Data(int stream, bool ends, params ReadOnlySpan<byte> data) => Of(Http2FrameType.Data, ends ? 1 : 0, stream, data);

    public static byte[] Reset(int stream, Http2Error code) => Of(Http2FrameType.RstStream, 0, stream, Int((int)code));

    public static byte[] Window(int stream, int more) => Of(Http2FrameType.WindowUpdate, 0, stream, Int(more));

    public static byte[] GoAway(int last, Http2Error code = Http2Error.NoError) => Of(Http2FrameType.GoAway, 0, 0, [.. Int(last), .. Int((int)code)]);

    public static byte[] Settings(params (Http2Setting Name, int Value)[] settings) =>
        Of(Http2FrameType.Settings, 0, 0, [.. settings.SelectMany(s => (byte[])[0, (byte)s.Name, .. Int(s.Value)])]);

    public static byte[] Int(int value)
    {
        var bytes = new byte[sizeof(int)];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }
}
