using System.Runtime.CompilerServices;
using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>Responses of a server-streaming call. One reader at a time; <see cref="Dispose"/> from any thread cancels.</summary>
public sealed class GrpcServerStreamCall<TResponse> : IDisposable
    where TResponse : class, IMessage<TResponse>
{
    private readonly GrpcClientCall _call;
    private readonly MessageParser<TResponse> _parser;

    internal GrpcServerStreamCall(GrpcClientCall call, MessageParser<TResponse> parser) => (_call, _parser) = (call, parser);

    /// <summary>The next response; null when the call has ended with OK. A cancelled read cancels the call.</summary>
    /// <exception cref="GrpcException">Any other end.</exception>
    public ValueTask<TResponse?> ReadAsync(CancellationToken cancellationToken = default) => _call.ReadAsync(_parser, cancellationToken);

    /// <summary>All responses.</summary>
    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken) is { } message)
        {
            yield return message;
        }
    }

    /// <summary>Cancels the call where it has not ended.</summary>
    public void Dispose() => _call.Dispose();
}

/// <summary>
/// Both directions of a streaming call: one reader and one writer at a time, beside each other;
/// <see cref="Dispose"/> from any thread cancels.
/// </summary>
public sealed class GrpcDuplexCall<TRequest, TResponse> : IDisposable
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    private readonly GrpcClientCall _call;
    private readonly GrpcStreamContent _content;
    private readonly MessageParser<TResponse> _parser;

    internal GrpcDuplexCall(GrpcClientCall call, GrpcStreamContent content, MessageParser<TResponse> parser) =>
        (_call, _content, _parser) = (call, content, parser);

    /// <summary>
    /// Sends a request message; waits for the connection, and while the server does not read. A cancelled write cancels the call.
    /// </summary>
    /// <exception cref="GrpcException">The call is over; reading says with which status.</exception>
    public ValueTask WriteAsync(TRequest message, CancellationToken cancellationToken = default) => _call.WriteAsync(_content, message, cancellationToken);

    /// <summary>Says that no further request comes (half-close); the responses may go on.</summary>
    public void Complete() => _content.Complete();

    /// <summary>The next response; null when the call has ended with OK. A cancelled read cancels the call.</summary>
    /// <exception cref="GrpcException">Any other end.</exception>
    public ValueTask<TResponse?> ReadAsync(CancellationToken cancellationToken = default) => _call.ReadAsync(_parser, cancellationToken);

    /// <summary>The only response, of a client-streaming call.</summary>
    public ValueTask<TResponse> ReadSingleAsync(CancellationToken cancellationToken = default) => _call.ReadSingleAsync(_parser, cancellationToken);

    /// <summary>All responses.</summary>
    public async IAsyncEnumerable<TResponse> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await ReadAsync(cancellationToken) is { } message)
        {
            yield return message;
        }
    }

    /// <summary>Cancels the call where it has not ended.</summary>
    public void Dispose() => _call.Dispose();
}
