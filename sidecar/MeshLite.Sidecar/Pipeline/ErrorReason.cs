namespace MeshLite.Sidecar.Pipeline;

/// <summary>Why the mesh itself failed a request (design.md §3, "Errors made by the mesh").</summary>
internal enum ErrorReason
{
    /// <summary>No route matched, or its rule has no backend.</summary>
    NoRoute,

    /// <summary>Not allowed: authorization, or plaintext where mTLS is required.</summary>
    Denied,

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
        ErrorReason.NoHealthyEndpoint => "no_healthy_endpoint",
        ErrorReason.DestinationUnknown => "destination_unknown",
        ErrorReason.ConnectFailure => "connect_failure",
        ErrorReason.TlsFailure => "tls_failure",
        ErrorReason.RequestTimeout => "request_timeout",
        _ => "protocol_error",
    };

    /// <summary>The label a peer sent, if it is one of ours: what comes over the wire must not make labels.</summary>
    public static string Known(string label)
    {
        foreach (var reason in Enum.GetValues<ErrorReason>())
        {
            if (Label(reason) == label)
            {
                return Label(reason);
            }
        }

        return "_other";
    }

    /// <summary>HTTP status of the response.</summary>
    public static int HttpStatus(ErrorReason reason, ErrorSource source) => reason switch
    {
        ErrorReason.NoRoute => StatusCodes.Status404NotFound,
        ErrorReason.Denied => StatusCodes.Status403Forbidden,
        ErrorReason.NoHealthyEndpoint or ErrorReason.DestinationUnknown => StatusCodes.Status503ServiceUnavailable,
        ErrorReason.ConnectFailure or ErrorReason.TlsFailure => StatusCodes.Status502BadGateway,
        ErrorReason.RequestTimeout => StatusCodes.Status504GatewayTimeout,
        _ => source == ErrorSource.Downstream ? StatusCodes.Status400BadRequest : StatusCodes.Status502BadGateway,
    };

    /// <summary>gRPC status (https://grpc.github.io/grpc/core/md_doc_statuscodes.html).</summary>
    public static int GrpcStatus(ErrorReason reason) => reason switch
    {
        ErrorReason.NoRoute => 12,
        ErrorReason.Denied => 7,
        ErrorReason.RequestTimeout => 4,
        ErrorReason.ProtocolError => 13,
        _ => 14,
    };
}
