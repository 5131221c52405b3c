using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// gRPC over an HTTP/2 message handler (stands in for Grpc.Net.Client). Thread-safe; owns nothing: connections,
/// their TLS and their keepalive pings are the invoker's, which the caller makes and disposes.
/// </summary>
/// <param name="address">Scheme, host and port of the server.</param>
/// <param name="invoker">Over a <see cref="SocketsHttpHandler"/>; requests ask for exactly HTTP/2.</param>
/// <param name="options">Limits.</param>
/// <param name="time">Measures deadlines.</param>
public sealed class GrpcChannel(Uri address, HttpMessageInvoker invoker, GrpcChannelOptions options, TimeProvider time)
{
    /// <summary>Scheme, host and port of the server.</summary>
    public Uri Address => address;

    internal HttpMessageInvoker Invoker => invoker;

    internal GrpcChannelOptions Options => options;

    internal TimeProvider Time => time;

    /// <summary>One request, one response.</summary>
    /// <exception cref="GrpcException">Any end but OK.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions? callOptions = null, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        using var call = new GrpcClientCall(this, method.Path, new GrpcUnaryContent<TRequest>(request), callOptions, cancellationToken);
        return await call.ReadSingleAsync(method.ResponseParser, cancellationToken);
    }

    /// <summary>One request, any number of responses. Dispose the call: that cancels it where it has not ended.</summary>
    public GrpcServerStreamCall<TResponse> ServerStreaming<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, TRequest request, GrpcCallOptions? callOptions = null, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse> =>
        new(new GrpcClientCall(this, method.Path, new GrpcUnaryContent<TRequest>(request), callOptions, cancellationToken), method.ResponseParser);

    /// <summary>
    /// Any number of requests and responses (client streaming too: complete, then <c>ReadSingleAsync</c>). Dispose the
    /// call: that cancels it where it has not ended.
    /// </summary>
    public GrpcDuplexCall<TRequest, TResponse> Duplex<TRequest, TResponse>(
        GrpcMethod<TRequest, TResponse> method, GrpcCallOptions? callOptions = null, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage<TRequest>
        where TResponse : class, IMessage<TResponse>
    {
        var content = new GrpcStreamContent();
        return new(new GrpcClientCall(this, method.Path, content, callOptions, cancellationToken), content, method.ResponseParser);
    }
}
