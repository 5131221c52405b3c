namespace MeshLite.Protocol.Grpc;

/// <summary>The gRPC status codes (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md).</summary>
public enum GrpcStatusCode
{
    /// <summary>Not an error.</summary>
    OK = 0,

    /// <summary>Cancelled, typically by the caller.</summary>
    Cancelled = 1,

    /// <summary>Unknown, for instance a handler's unexpected exception.</summary>
    Unknown = 2,

    /// <summary>The caller's argument is wrong whatever the state of the system.</summary>
    InvalidArgument = 3,

    /// <summary>The deadline passed.</summary>
    DeadlineExceeded = 4,

    /// <summary>Something asked for does not exist.</summary>
    NotFound = 5,

    /// <summary>Something to be made exists.</summary>
    AlreadyExists = 6,

    /// <summary>The caller, known, may not do this.</summary>
    PermissionDenied = 7,

    /// <summary>Some resource is used up; also a message over the size limit.</summary>
    ResourceExhausted = 8,

    /// <summary>The system's state does not allow it.</summary>
    FailedPrecondition = 9,

    /// <summary>Aborted, typically by a conflict.</summary>
    Aborted = 10,

    /// <summary>Past the valid range.</summary>
    OutOfRange = 11,

    /// <summary>No such method.</summary>
    Unimplemented = 12,

    /// <summary>A broken invariant, for instance bytes that are no message.</summary>
    Internal = 13,

    /// <summary>Not available now; may be tried again.</summary>
    Unavailable = 14,

    /// <summary>Data is lost.</summary>
    DataLoss = 15,

    /// <summary>The caller is not known.</summary>
    Unauthenticated = 16,
}
