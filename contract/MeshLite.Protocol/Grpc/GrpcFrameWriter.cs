using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>Serializes length-prefixed messages straight into the transport's buffers. One writer at a time, which it checks.</summary>
internal sealed class GrpcFrameWriter(PipeWriter pipe)
{
    private const int HeaderLength = 5;
    private int _busy;

    /// <summary>Whether anything was written.</summary>
    public bool Written { get; private set; }

    /// <summary>A message was begun and not finished: no status can follow it.</summary>
    public bool Torn { get; private set; }

    /// <summary>A flush is waiting for the reader at the other side, or was given up while it waited.</summary>
    public bool Stalled { get; private set; }

    /// <summary>Into the buffer only.</summary>
    public void Write<T>(T message)
        where T : class, IMessage<T>
    {
        var header = pipe.GetSpan(HeaderLength);
        header[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(header[1..], message.CalculateSize());
        Torn = true;
        pipe.Advance(HeaderLength);
        message.WriteTo(pipe);
        (Torn, Written) = (false, true);
    }

    /// <summary>Into the buffer, then waits until the transport takes it: a slow reader makes the writer wait.</summary>
    public async ValueTask WriteAndFlushAsync<T>(T message, CancellationToken cancellationToken)
        where T : class, IMessage<T>
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
        {
            throw new InvalidOperationException("a write is under way: writes of one call come one after the other");
        }

        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            Write(message);
            Stalled = true;
            var result = await pipe.FlushAsync(cancellationToken);
            Stalled = false;
            if (result.IsCompleted || result.IsCanceled)
            {
                throw new GrpcException(GrpcStatusCode.Cancelled, "the other side no longer reads");
            }
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }
}
