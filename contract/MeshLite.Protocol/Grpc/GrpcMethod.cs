using Google.Protobuf;

namespace MeshLite.Protocol.Grpc;

/// <summary>Name and message types of one method; shared by client and server. Immutable.</summary>
/// <param name="Service">Full name with package, <c>meshlite.v1.Configuration</c>.</param>
/// <param name="Name">The method's own name.</param>
/// <param name="RequestParser">Parses requests (server).</param>
/// <param name="ResponseParser">Parses responses (client).</param>
public sealed record GrpcMethod<TRequest, TResponse>(
    string Service, string Name, MessageParser<TRequest> RequestParser, MessageParser<TResponse> ResponseParser)
    where TRequest : class, IMessage<TRequest>
    where TResponse : class, IMessage<TResponse>
{
    /// <summary>The HTTP/2 <c>:path</c>.</summary>
    public string Path { get; } = $"/{Service}/{Name}";
}
