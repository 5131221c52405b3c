namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// A failure of the mesh, as a value: why, whose fault, and whether the request is certain not to have reached
/// an application (<paramref name="Undelivered"/>), which alone makes it safe to send again whatever its method.
/// <paramref name="Detail"/> is the plain sentence callers read: no secrets, no addresses of third parties.
/// </summary>
internal sealed record ProxyError(ErrorReason Reason, ErrorSource Source, string Detail, bool Undelivered = false)
{
    /// <summary>When the caller may come again. <value>Null: a 503 says 1 s, others nothing.</value></summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The status of <see cref="ErrorReason.FaultInjected"/>. <value>Null: the reason's.</value></summary>
    public int? Status { get; init; }

    /// <summary>What is answered over HTTP.</summary>
    public int HttpStatus => Status ?? ErrorReasons.HttpStatus(Reason, Source);

    /// <summary>What is answered over gRPC.</summary>
    public int GrpcStatus => Status is { } status ? ErrorReasons.GrpcStatus(status) : ErrorReasons.GrpcStatus(Reason);
}
