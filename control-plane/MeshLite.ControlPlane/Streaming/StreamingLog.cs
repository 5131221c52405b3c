using MeshLite.Model;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>Log lines of Streaming/, 2200 to 2299.</summary>
internal static partial class StreamingLog
{
    [LoggerMessage(2200, LogLevel.Information, "Stream of {Identity} {Workload} from {Remote} (sidecar {SidecarVersion})", EventName = "StreamBegan")]
    public static partial void StreamBegan(ILogger logger, SpiffeId identity, string workload, string? remote, string sidecarVersion);

    [LoggerMessage(2201, LogLevel.Information, "Stream of {Identity} {Workload} ended: {Reason}", EventName = "StreamEnded")]
    public static partial void StreamEnded(ILogger logger, SpiffeId identity, string workload, string reason);

    [LoggerMessage(2202, LogLevel.Warning, "{Identity} {Workload} refused {Key} {Version}: {Reason}", EventName = "ResourceRejected")]
    public static partial void ResourceRejected(ILogger logger, SpiffeId identity, string workload, string key, string version, string reason);

    [LoggerMessage(2203, LogLevel.Information, "{Identity} {Workload} asks for {Keys} resource(s) again", EventName = "Resync")]
    public static partial void Resync(ILogger logger, SpiffeId identity, string workload, int keys);

    [LoggerMessage(2204, LogLevel.Warning, "Refused a stream from {Remote}: {Reason}", EventName = "StreamRefused")]
    public static partial void StreamRefused(ILogger logger, string? remote, string reason);
}
