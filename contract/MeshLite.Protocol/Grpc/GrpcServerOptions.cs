namespace MeshLite.Protocol.Grpc;

/// <summary>Limits of a <see cref="GrpcServer"/>. Immutable.</summary>
public sealed record GrpcServerOptions
{
    /// <summary>Largest request message. <value>Bytes; default 4 MiB, as in other gRPC implementations; at least 0.</value></summary>
    public int MaxReceiveMessageBytes { get; init; } = 4 * 1024 * 1024;
}
