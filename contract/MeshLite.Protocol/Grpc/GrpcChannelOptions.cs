namespace MeshLite.Protocol.Grpc;

/// <summary>Limits of a <see cref="GrpcChannel"/>. Immutable.</summary>
public sealed record GrpcChannelOptions
{
    /// <summary>Largest response message. <value>Bytes; default 4 MiB, as in other gRPC implementations; at least 0.</value></summary>
    public int MaxReceiveMessageBytes { get; init; } = 4 * 1024 * 1024;
}

/// <summary>What one call says beside its messages. Immutable.</summary>
public sealed record GrpcCallOptions
{
    /// <summary>Bound on the whole call, told to the server as <c>grpc-timeout</c>. <value>Null: none; at least 0.</value></summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Sent with the request's headers.</summary>
    public GrpcMetadata? Metadata { get; init; }
}
