using System.Buffers.Binary;

namespace MeshLite.Sidecar.Http2;

/// <summary>Frames (RFC 9113 §6).</summary>
internal enum Http2FrameType : byte
{
    Data = 0x0,
    Headers = 0x1,
    Priority = 0x2,
    RstStream = 0x3,
    Settings = 0x4,
    PushPromise = 0x5,
    Ping = 0x6,
    GoAway = 0x7,
    WindowUpdate = 0x8,
    Continuation = 0x9,
}

/// <summary>Flags of frames (RFC 9113 §6); what a bit says depends on the frame.</summary>
[Flags]
internal enum Http2Flags : byte
{
    None = 0x0,
    EndStream = 0x1,
    Ack = 0x1,
    EndHeaders = 0x4,
    Padded = 0x8,
    Priority = 0x20,
}

/// <summary>Error codes (RFC 9113 §7), as far as they are sent or looked at here.</summary>
internal enum Http2Error
{
    NoError = 0x0,
    ProtocolError = 0x1,
    FlowControlError = 0x3,
    FrameSizeError = 0x6,
    RefusedStream = 0x7,
    Cancel = 0x8,
    CompressionError = 0x9,
    EnhanceYourCalm = 0xb,
}

/// <summary>Settings (RFC 9113 §6.5.2).</summary>
internal enum Http2Setting : ushort
{
    EnablePush = 0x2,
    MaxConcurrentStreams = 0x3,
    InitialWindowSize = 0x4,
    MaxFrameSize = 0x5,
}

/// <summary>The nine bytes before a frame's payload (RFC 9113 §4.1).</summary>
internal readonly record struct Http2FrameHeader(int Length, Http2FrameType Type, Http2Flags Flags, int StreamId)
{
    /// <value>Bytes of it.</value>
    public const int Size = 9;

    /// <value>Payload bytes that anyone takes (§4.2); here nobody takes, or sends, more.</value>
    public const int MaxLength = 16 * 1024;

    public bool Has(Http2Flags flag) => (Flags & flag) != Http2Flags.None;

    public static Http2FrameHeader Read(ReadOnlySpan<byte> from) => new(
        (from[0] << 16) | BinaryPrimitives.ReadUInt16BigEndian(from[1..]),
        (Http2FrameType)from[3],
        (Http2Flags)from[4],
        ReadStreamId(from[5..]));

    public void Write(Span<byte> to)
    {
        to[0] = (byte)(Length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(to[1..], (ushort)Length);
        to[3] = (byte)Type;
        to[4] = (byte)Flags;
        BinaryPrimitives.WriteInt32BigEndian(to[5..], StreamId);
    }

    /// <summary>31 bits; the one before is reserved and says nothing.</summary>
    public static int ReadStreamId(ReadOnlySpan<byte> from) => BinaryPrimitives.ReadInt32BigEndian(from) & int.MaxValue;
}

/// <summary>The peer broke HTTP/2's rules: the connection ends with that error (RFC 9113 §5.4.1).</summary>
internal sealed class Http2ConnectionException(Http2Error code, string message) : IOException($"{message} (HTTP/2 {code})")
{
    /// <summary>What the peer is told.</summary>
    public Http2Error Code => code;
}

/// <summary>
/// Why a request has certainly not reached the server: no byte of it was written, or the server has said that it did nothing with it (RFC 9113 §6.8).
/// It is safe to send elsewhere, whatever it asks for.
/// </summary>
internal sealed class UnsentException(string message, Exception? inner = null) : IOException(message, inner);
