namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// The mesh's own headers. From outside they are stripped; between sidecars they are believed only on a
/// connection whose peer is verified.
/// </summary>
internal static class MeshHeaders
{
    private const string Prefix = "meshlite";

    /// <summary>Why the mesh failed the request; on responses made by the mesh.</summary>
    public const string Error = "meshlite-error";

    /// <summary>Sidecar to sidecar, on a response: the request never reached the application.</summary>
    public const string Undelivered = "meshlite-undelivered";

    /// <summary>Sidecar to application: the verified SPIFFE ID of the caller.</summary>
    public const string ClientId = "meshlite-client-id";

    /// <summary>Sidecar to sidecar: the HTTP version the calling application spoke: "2"; without it, or else, 1.1.</summary>
    public const string Protocol = "meshlite-protocol";

    /// <summary>Sidecar to sidecar: the workload calling.</summary>
    public const string Source = "meshlite-source";

    /// <summary>The caller's remaining time; the one mesh header accepted from anyone (it can only shorten).</summary>
    public const string Timeout = "meshlite-timeout";

    /// <summary>The same of gRPC, which is the application's own.</summary>
    public const string GrpcTimeout = "grpc-timeout";

    /// <summary>On a response: what failed was not sent again, because the destination's retry budget is spent.</summary>
    public const string RetryBudget = "meshlite-retry-budget";

    /// <summary>Whether a header belongs to the mesh. With an underscore too: CGI, WSGI and their kin give applications both under one name.</summary>
    public static bool IsMeshHeader(string name) =>
        name.Length > Prefix.Length + 1 && name[Prefix.Length] is '-' or '_' && (name[0] | 0x20) == 'm' && name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase);
}
