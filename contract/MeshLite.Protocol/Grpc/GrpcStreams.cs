using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>Messages of the caller, in order; for the handler's use, one read at a time.</summary>
public sealed class GrpcStreamReader<T>
    where T : class, IMessage<T>
{
    private readonly GrpcServerCall _call;
    private readonly MessageParser<T> _parser;

    internal GrpcStreamReader(GrpcServerCall call, MessageParser<T> parser) => (_call, _parser) = (call, parser);

    /// <summary>The next message; null once the caller has sent its last. Ends with <see cref="OperationCanceledException"/> when the call ends.</summary>
    public ValueTask<T?> ReadAsync() => _call.Reader.ReadAsync(_parser, _call.CancellationToken);

    /// <summary>As above, with a token of the handler's own, which must be linked to the call's.</summary>
    public ValueTask<T?> ReadAsync(CancellationToken linked) => _call.Reader.ReadAsync(_parser, linked);

    /// <summary>All messages until the caller has sent its last. A cancelled enumeration ends the reading, not the call.</summary>
    public async IAsyncEnumerable<T> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var message = await ReadAsync();
            if (message is null)
            {
                yield break;
            }

            yield return message;
        }
    }
}

/// <summary>Messages to the caller, in order; for the handler's use, one write at a time.</summary>
public sealed class GrpcStreamWriter<T>
    where T : class, IMessage<T>
{
    private readonly GrpcServerCall _call;

    internal GrpcStreamWriter(GrpcServerCall call) => _call = call;

    /// <summary>Sends a message; waits while the caller does not read (HTTP/2 flow control), at most until the call ends.</summary>
    public ValueTask WriteAsync(T message)
    {
        _call.ApplyHeaders();
        return _call.Writer.WriteAndFlushAsync(message, _call.CancellationToken);
    }

    /// <summary>As above, with a token of the handler's own, which must be linked to the call's. After a write given up nothing more can be sent.</summary>
    public ValueTask WriteAsync(T message, CancellationToken linked)
    {
        _call.ApplyHeaders();
        return _call.Writer.WriteAndFlushAsync(message, linked);
    }
}
