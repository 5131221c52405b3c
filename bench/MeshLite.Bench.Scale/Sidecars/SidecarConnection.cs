using System.Buffers.Binary;
using Google.Protobuf;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.Bench.Scale.Sidecars;

/// <summary>
/// A connection with the one gRPC stream of a sidecar on it: on the wire what SocketsHttpHandler sends (RFC 9113, pings that measure the round trip
/// among it), without its tasks, timers and buffers: thousands share this process, and what they cost is taken from the control plane beside them. It
/// sends no pings to stay alive; the control plane's come first. Header fields of responses are not read. Used by one task,
/// but for <see cref="Close"/>.
/// </summary>
internal sealed class SidecarConnection(Stream stream, TimeProvider time) : IDisposable
{
    // As SocketsHttpHandler: four at once, then at most one in two seconds, and only where data comes.
    private const int FirstPings = 4;
    private const int WindowBytes = 1 << 20;
    private const int FrameHeader = 9;
    private const int MessageHeader = 5;
    private const byte EndsStream = 1;
    private const byte IsAcknowledgement = 1;

    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(2);

    private readonly Chunk _in = new();
    private readonly Chunk _body = new();
    private readonly Chunk _out = new();
    private int _unacknowledged;
    private int _pings;
    private bool _isPinging;
    private long _pingedAt;

    private enum Frame : byte
    {
        Data = 0,
        Headers = 1,
        ResetStream = 3,
        Settings = 4,
        Ping = 6,
        GoAway = 7,
        WindowUpdate = 8,
    }

    /// <summary>Preface, settings and the head of the request, sent with the first <see cref="Write"/>.</summary>
    public void Begin(string authority)
    {
        _out.Append("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        Span<byte> setting = [0, 4, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(setting[2..], WindowBytes);
        Put(Frame.Settings, 0, 0, setting);
        PutWindow(0, WindowBytes);
        Put(Frame.Headers, 4, 1, HeaderBlock.OfGrpc(authority, MeshMethods.ConfigurationStream.Path));
    }

    /// <summary>Adds a message to what <see cref="FlushAsync"/> sends; well below a frame and a window.</summary>
    public void Write(SidecarMessage message)
    {
        var length = message.CalculateSize();
        var payload = PutHeader(Frame.Data, 0, 1, MessageHeader + length);
        payload[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(payload[1..], length);
        message.WriteTo(payload[MessageHeader..]);
    }

    /// <summary>Sends what was written, and what the connection itself has to say.</summary>
    public async ValueTask FlushAsync()
    {
        await stream.WriteAsync(_out.Memory);
        _out.Clear();
    }

    /// <summary>The next message of the control plane. <exception cref="IOException">It has ended the stream, or the connection.</exception></summary>
    public async ValueTask<ControlPlaneMessage> ReadAsync()
    {
        while (true)
        {
            if (TryTakeMessage() is { } message)
            {
                return message;
            }

            if (!TryTakeFrame())
            {
                if (_out.Length > 0)
                {
                    await FlushAsync();
                }

                // Without a buffer: most of the time nothing comes.
                var nothing = await stream.ReadAsync(Memory<byte>.Empty);
                var read = nothing + await stream.ReadAsync(_in.Free());
                _in.Add(read > 0 ? read : throw new IOException("the control plane closed the connection"));
            }
        }
    }

    /// <summary>Ends what is under way, with an exception. From any thread.</summary>
    public void Close() => stream.Dispose();

    /// <inheritdoc/>
    public void Dispose()
    {
        stream.Dispose();
        _in.Clear();
        _body.Clear();
        _out.Clear();
    }

    private ControlPlaneMessage? TryTakeMessage()
    {
        var body = _body.Memory.Span;
        if (body.Length < MessageHeader || BinaryPrimitives.ReadInt32BigEndian(body[1..]) is var length && body.Length < MessageHeader + length)
        {
            return null;
        }

        var message = ControlPlaneMessage.Parser.ParseFrom(body.Slice(MessageHeader, length));
        _body.Take(MessageHeader + length);
        return message;
    }

    private bool TryTakeFrame()
    {
        var bytes = _in.Memory.Span;
        if (bytes.Length < FrameHeader || (bytes[0] << 16 | bytes[1] << 8 | bytes[2]) is var length && bytes.Length < FrameHeader + length)
        {
            return false;
        }

        Handle((Frame)bytes[3], bytes[4], bytes.Slice(FrameHeader, length));
        _in.Take(FrameHeader + length);
        return true;
    }

    private void Handle(Frame type, byte flags, ReadOnlySpan<byte> payload)
    {
        switch (type)
        {
            case Frame.Data:
                _body.Append(payload); // never padded by Kestrel
                GiveBack(payload.Length);
                PingOnData();
                break;
            case Frame.Settings when (flags & IsAcknowledgement) == 0:
                Put(Frame.Settings, IsAcknowledgement, 0, []);
                break;
            case Frame.Ping when (flags & IsAcknowledgement) == 0:
                Put(Frame.Ping, IsAcknowledgement, 0, payload);
                break;
            case Frame.Ping:
                _isPinging = false;
                break;
            case Frame.ResetStream or Frame.GoAway:
                throw new IOException($"the control plane sent {type}, error {BinaryPrimitives.ReadInt32BigEndian(payload[(type == Frame.GoAway ? 4 : 0)..])}");
            default:
                break;
        }

        if (type is Frame.Data or Frame.Headers && (flags & EndsStream) != 0)
        {
            throw new IOException("the control plane ended the stream");
        }
    }

    private void GiveBack(int bytes)
    {
        _unacknowledged += bytes;
        if (_unacknowledged >= WindowBytes / 2)
        {
            PutWindow(0, _unacknowledged);
            PutWindow(1, _unacknowledged);
            _unacknowledged = 0;
        }
    }

    private void PingOnData()
    {
        if (!_isPinging && (_pings < FirstPings || time.GetElapsedTime(_pingedAt) >= PingInterval))
        {
            (_isPinging, _pingedAt) = (true, time.GetTimestamp());
            _pings++;
            Put(Frame.Ping, 0, 0, stackalloc byte[8]);
        }
    }

    private void PutWindow(byte stream, int increment)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(payload, increment);
        Put(Frame.WindowUpdate, 0, stream, payload);
    }

    private void Put(Frame type, byte flags, byte stream, ReadOnlySpan<byte> payload) => payload.CopyTo(PutHeader(type, flags, stream, payload.Length));

    private Span<byte> PutHeader(Frame type, byte flags, byte stream, int length)
    {
        var frame = _out.Reserve(FrameHeader + length);
        frame.Clear();
        (frame[0], frame[1], frame[2]) = ((byte)(length >> 16), (byte)(length >> 8), (byte)length);
        (frame[3], frame[4], frame[8]) = ((byte)type, flags, stream);
        return frame[FrameHeader..];
    }
}
