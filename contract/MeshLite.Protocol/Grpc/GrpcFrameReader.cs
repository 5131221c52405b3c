using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// Reads length-prefixed messages (PROTOCOL-HTTP2.md: 1 byte compressed flag, 4 bytes big-endian length, message)
/// and parses them where they lie, without copying them together. One reader at a time.
/// </summary>
internal sealed class GrpcFrameReader(PipeReader pipe, int maxMessageBytes, string? encoding, GrpcStatusCode unsupportedEncoding)
{
    private const int HeaderLength = 5;

    /// <summary>The next message; null at a clean end. <exception cref="GrpcException">The bytes are no such message.</exception></summary>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        while (true)
        {
            var result = await pipe.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            var (consumed, examined) = (buffer.Start, buffer.End);
            try
            {
                if (TryReadFrame(buffer, out var payload))
                {
                    (consumed, examined) = (payload.End, payload.End);
                    return Parse(parser, payload);
                }

                if (result.IsCompleted)
                {
                    return buffer.IsEmpty ? null : throw new GrpcException(GrpcStatusCode.Internal, "the stream ended within a message");
                }
            }
            finally
            {
                // Examined to the end: the transport then widens its flow-control window for a message larger than it.
                pipe.AdvanceTo(consumed, examined);
            }
        }
    }

    /// <summary>The only message of a call that has exactly one; otherwise UNIMPLEMENTED (statuscodes.md, cardinality violation).</summary>
    public async ValueTask<T> ReadSingleAsync<T>(MessageParser<T> parser, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        var message = await ReadAsync(parser, cancellationToken) ?? throw WrongCount("none");
        return await ReadAsync(parser, cancellationToken) is null ? message : throw WrongCount("several");

        static GrpcException WrongCount(string count) => new(GrpcStatusCode.Unimplemented, $"expected one message, got {count}");
    }

    private bool TryReadFrame(ReadOnlySequence<byte> buffer, out ReadOnlySequence<byte> payload)
    {
        payload = default;
        if (buffer.Length < HeaderLength)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[HeaderLength];
        buffer.Slice(0, HeaderLength).CopyTo(header);
        if (header[0] != 0)
        {
            throw Compressed(header[0]);
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(header[1..]);
        if (length > maxMessageBytes)
        {
            throw new GrpcException(GrpcStatusCode.ResourceExhausted, $"a message of {length} bytes is over the limit of {maxMessageBytes}");
        }

        if (buffer.Length < HeaderLength + length)
        {
            return false;
        }

        payload = buffer.Slice(HeaderLength, length);
        return true;
    }

    /// <summary>compression.md: an unsupported algorithm is UNIMPLEMENTED at a server, INTERNAL at a client; a flag without one INTERNAL.</summary>
    private GrpcException Compressed(byte flag) => flag == 1 && encoding is not (null or "" or "identity")
        ? new(unsupportedEncoding, $"message encoding '{encoding}' is not supported, only identity is")
        : new(GrpcStatusCode.Internal, flag == 1 ? "a compressed message without grpc-encoding" : $"bad compressed flag {flag}");

    private static T Parse<T>(MessageParser<T> parser, ReadOnlySequence<byte> payload)
        where T : class, IMessage<T>
    {
        try
        {
            return parser.ParseFrom(payload);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new GrpcException(GrpcStatusCode.Internal, $"malformed {typeof(T).Name}: {e.Message}", e);
        }
    }
}
