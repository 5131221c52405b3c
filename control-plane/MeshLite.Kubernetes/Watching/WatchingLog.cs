using Microsoft.Extensions.Logging;

namespace MeshLite.Kubernetes.Watching;

/// <summary>Log lines of Watching/, 2700 to 2749.</summary>
internal static partial class WatchingLog
{
    [LoggerMessage(2700, LogLevel.Information, "Listed {Type}: {Count} object(s), version {Version}", EventName = "Listed")]
    public static partial void Listed(ILogger logger, ResourceType type, int count, string version);

    [LoggerMessage(2701, LogLevel.Warning, "Lost the watch of {Type}, trying again in {Wait}: {Problem}", EventName = "WatchLost")]
    public static partial void WatchLost(ILogger logger, ResourceType type, TimeSpan wait, string problem);

    [LoggerMessage(2702, LogLevel.Information, "The server has forgotten where the watch of {Type} was; listing again: {Problem}", EventName = "Relisting")]
    public static partial void Relisting(ILogger logger, ResourceType type, string problem);

    [LoggerMessage(2703, LogLevel.Warning, "The server knows no {Type}; it counts as empty, and is looked for every {Wait}. Is its CRD installed?", EventName = "KindMissing")]
    public static partial void KindMissing(ILogger logger, ResourceType type, TimeSpan wait);

    [LoggerMessage(2704, LogLevel.Error, "Cannot read what the server says of {Type}, trying again in {Wait}: {Problem}", EventName = "Unreadable")]
    public static partial void Unreadable(ILogger logger, ResourceType type, TimeSpan wait, string problem);
}
