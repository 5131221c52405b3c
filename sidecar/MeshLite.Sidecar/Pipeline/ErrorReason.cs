namespace MeshLite.Sidecar.Pipeline;

/// <summary>Why the mesh itself failed a request (design.md §3, "Errors made by the mesh").</summary>
internal enum ErrorReason
{
    /// <summary>No route matched, or its rule has no backend.</summary>
    NoRoute,

    /// <summary>Not allowed: authorization, or plaintext where mTLS is required.</summary>
    Denied,

    /// <summary>The caller, or everyone together, is sending more than the policy allows.</summary>
    RateLimited,

    /// <summary>More is under way than the policy allows.</summary>
    Overloaded,

    /// <summary>The destination has been failing, and is left alone for a while.</summary>
    CircuitOpen,

    /// <summary>All endpoints are gone or out of rotation.</summary>
    NoHealthyEndpoint,

    /// <summary>A mesh name nobody knows, or nobody could be asked in time.</summary>
    DestinationUnknown,

    /// <summary>No connection could be made.</summary>
    ConnectFailure,

    /// <summary>The TLS handshake failed, or the server was not who was meant.</summary>
    TlsFailure,

    /// <summary>The time for the whole request was up.</summary>
    RequestTimeout,

    /// <summary>The time for one attempt was up, and no other may be made.</summary>
    AttemptTimeout,

    /// <summary>A route says that this request is to fail.</summary>
    FaultInjected,

    /// <summary>What the caller or the upstream sent is not the protocol.</summary>
    ProtocolError,
}

/// <summary>Who is at fault; decides between 400 and 502 for <see cref="ErrorReason.ProtocolError"/>.</summary>
internal enum ErrorSource
{
    /// <summary>Who sent the request.</summary>
    Downstream,

    /// <summary>Who should have answered it.</summary>
    Upstream,

    /// <summary>The mesh.</summary>
    Mesh,
}

/// <summary>The table of reasons: label, HTTP status, gRPC status.</summary>
internal static class ErrorReasons
{
    /// <summary>Value of the header <c>meshlite-error</c> and of the label <c>reason</c>.</summary>
    public static string Label(ErrorReason reason) => reason switch
    {
        ErrorReason.NoRoute => "no_route",
        ErrorReason.Denied => "denied",
        ErrorReason.RateLimited => "rate_limited",
        ErrorReason.Overloaded => "overloaded",
        ErrorReason.CircuitOpen => "circuit_open",
        ErrorReason.NoHealthyEndpoint => "no_healthy_endpoint",
        ErrorReason.DestinationUnknown => "destination_unknown",
        ErrorReason.ConnectFailure => "connect_failure",
        ErrorReason.TlsFailure => "tls_failure",
        ErrorReason.RequestTimeout => "request_timeout",
        ErrorReason.AttemptTimeout => "attempt_timeout",
        ErrorReason.FaultInjected => "fault_injected",
        _ => "protocol_error",
    };

    /// <summary>The label a peer sent, if it is one of ours: what comes over the wire must not make labels.</summary>
    public static string Known(string label) => TryParse(label, out var reason) ? Label(reason) : "_other";

    /// <summary>The reason of a label.</summary>
    public static bool TryParse(string label, out ErrorReason reason)
    {
        foreach (var known in Enum.GetValues<ErrorReason>())
        {
            if (Label(known) == label)
            {
                reason = known;
                return true;
            }
        }

        reason = default;
        return false;
    }

    /// <summary>HTTP status of the response.</summary>
    public static int HttpStatus(ErrorReason reason, ErrorSource source) => reason switch
    {
        ErrorReason.NoRoute => StatusCodes.Status404NotFound,
        ErrorReason.Denied => StatusCodes.Status403Forbidden,
        ErrorReason.RateLimited => StatusCodes.Status429TooManyRequests,
        ErrorReason.Overloaded or ErrorReason.CircuitOpen or ErrorReason.NoHealthyEndpoint or ErrorReason.DestinationUnknown or ErrorReason.FaultInjected => StatusCodes.Status503ServiceUnavailable,
        ErrorReason.ConnectFailure or ErrorReason.TlsFailure => StatusCodes.Status502BadGateway,
        ErrorReason.RequestTimeout or ErrorReason.AttemptTimeout => StatusCodes.Status504GatewayTimeout,
        _ => source == ErrorSource.Downstream ? StatusCodes.Status400BadRequest : StatusCodes.Status502BadGateway,
    };

    /// <summary>
    /// gRPC status for an HTTP one, as gRPC clients read a response without (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
    /// </summary>
    public static int GrpcStatus(int httpStatus) => httpStatus switch
    {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 or 502 or 503 or 504 => 14,
        _ => 2,
    };

    /// <summary>gRPC status (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).</summary>
    public static int GrpcStatus(ErrorReason reason) => reason switch
    {
        ErrorReason.NoRoute => 12,
        ErrorReason.Denied => 7,
        ErrorReason.RateLimited or ErrorReason.Overloaded => 8,
        ErrorReason.RequestTimeout or ErrorReason.AttemptTimeout => 4,
        ErrorReason.ProtocolError => 13,
        _ => 14,
    };
}
