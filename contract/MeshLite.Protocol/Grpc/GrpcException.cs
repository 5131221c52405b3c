namespace MeshLite.Protocol.Grpc;

/// <summary>
/// A call's end with a status other than OK. Clients throw it; a server's handler throws it to end its call with
/// that status, and then <see cref="Exception.Message"/> goes to the caller.
/// </summary>
public sealed class GrpcException(GrpcStatusCode code, string message, Exception? inner = null, GrpcMetadata? trailers = null)
    : Exception(message, inner)
{
    /// <summary>The status.</summary>
    public GrpcStatusCode Code { get; } = code;

    /// <summary>Metadata beside the status.</summary>
    public GrpcMetadata Trailers { get; } = trailers ?? [];
}
