namespace MeshLite.Sidecar.Config;

/// <summary>Log lines of <c>Config/</c>: ids 1200-1299.</summary>
internal static partial class ConfigLog
{
    [LoggerMessage(EventId = 1200, EventName = "StreamFailed", Level = LogLevel.Warning, Message = "no configuration stream to {ControlPlane}: {Reason}; trying again")]
    public static partial void StreamFailed(ILogger logger, Uri controlPlane, string reason);

    [LoggerMessage(EventId = 1201, EventName = "StreamOpened", Level = LogLevel.Information, Message = "configuration stream to {ControlPlane} open")]
    public static partial void StreamOpened(ILogger logger, Uri controlPlane);

    [LoggerMessage(EventId = 1202, EventName = "ResourceRejected", Level = LogLevel.Error, Message = "{Key} version {Version} rejected, the version before stays in force: {Reason}")]
    public static partial void ResourceRejected(ILogger logger, string key, string version, string reason);

    [LoggerMessage(EventId = 1203, EventName = "Resync", Level = LogLevel.Warning, Message = "asking for {Count} resources again, first {Key}")]
    public static partial void Resync(ILogger logger, int count, string key);

    [LoggerMessage(EventId = 1204, EventName = "Restored", Level = LogLevel.Information, Message = "restored {Count} resources from disk")]
    public static partial void Restored(ILogger logger, int count);

    [LoggerMessage(EventId = 1205, EventName = "RestoreRejected", Level = LogLevel.Warning, Message = "kept {Key} rejected: {Reason}")]
    public static partial void RestoreRejected(ILogger logger, string key, string reason);

    [LoggerMessage(EventId = 1206, EventName = "RestoreFailed", Level = LogLevel.Warning, Message = "{Path} can't be read and was put aside: {Reason}")]
    public static partial void RestoreFailed(ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1207, EventName = "SaveFailed", Level = LogLevel.Error, Message = "{Path} can't be written, a restart without control plane will not have this configuration: {Reason}")]
    public static partial void SaveFailed(ILogger logger, string path, string reason);

    [LoggerMessage(EventId = 1208, EventName = "StaleUpdate", Level = LogLevel.Warning, Message = "update {Nonce} after {Last} ignored")]
    public static partial void StaleUpdate(ILogger logger, ulong nonce, ulong last);

    [LoggerMessage(EventId = 1209, EventName = "StreamLoopFailed", Level = LogLevel.Error, Message = "the configuration stream failed in the sidecar itself; trying again")]
    public static partial void StreamLoopFailed(ILogger logger, Exception exception);
}
