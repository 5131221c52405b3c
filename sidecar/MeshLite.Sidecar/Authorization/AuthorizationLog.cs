using MeshLite.Model;

namespace MeshLite.Sidecar.Authorization;

/// <summary>Log lines of <c>Authorization/</c>: ids 1900-1999.</summary>
internal static partial class AuthorizationLog
{
    [LoggerMessage(EventId = 1900, EventName = "Audited", Level = LogLevel.Information,
        Message = "AuthorizationPolicy {Policy} (Audit) matches {Caller} calling port {Port}: {Method} {Path}")]
    public static partial void Audited(ILogger logger, string policy, string caller, int port, string method, string path);

    [LoggerMessage(EventId = 1901, EventName = "PolicyUnintelligible", Level = LogLevel.Error,
        Message = "AuthorizationPolicy {Policy} is not understood whole by this version: nobody may call this workload")]
    public static partial void PolicyUnintelligible(ILogger logger, string policy);

    [LoggerMessage(EventId = 1902, EventName = "FlowsCut", Level = LogLevel.Information, Message = "{Count} open connections are no longer allowed, and were cut")]
    public static partial void FlowsCut(ILogger logger, int count);

    [LoggerMessage(EventId = 1903, EventName = "PlaintextEnds", Level = LogLevel.Information, Message = "mTLS is now {Mode}: {Count} plaintext connections are asked to end")]
    public static partial void PlaintextEnds(ILogger logger, MtlsMode mode, int count);
}
