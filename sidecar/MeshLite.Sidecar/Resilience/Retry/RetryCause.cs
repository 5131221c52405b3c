using System.Runtime.InteropServices;

namespace MeshLite.Sidecar.Resilience.Retry;

/// <summary>Why an attempt is to be followed by another.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RetryCause
{
    private RetryCause(RetryCauseKind kind, int code = 0) => (Kind, Code) = (kind, code);

    /// <summary>It provably reached no application (design.md §3): whatever it was, it may be sent.</summary>
    public static RetryCause Undelivered => new(RetryCauseKind.Undelivered);

    /// <summary>The connection or stream broke before a response.</summary>
    public static RetryCause Reset => new(RetryCauseKind.Reset);

    /// <summary>Its own time was up, the request's is not.</summary>
    public static RetryCause AttemptTimeout => new(RetryCauseKind.AttemptTimeout);

    /// <summary>What happened.</summary>
    public RetryCauseKind Kind { get; }

    /// <summary>The status, where that is what happened.</summary>
    public int Code { get; }

    /// <summary>A response with this HTTP status.</summary>
    public static RetryCause Status(int code) => new(RetryCauseKind.Status, code);

    /// <summary>A response with this gRPC status and no message.</summary>
    public static RetryCause GrpcStatus(int code) => new(RetryCauseKind.GrpcStatus, code);
}

/// <summary>What ended the attempt before.</summary>
internal enum RetryCauseKind
{
    /// <summary>Reached no application.</summary>
    Undelivered,

    /// <summary>Broke off.</summary>
    Reset,

    /// <summary>Took too long.</summary>
    AttemptTimeout,

    /// <summary>An HTTP status.</summary>
    Status,

    /// <summary>A gRPC status.</summary>
    GrpcStatus,
}
