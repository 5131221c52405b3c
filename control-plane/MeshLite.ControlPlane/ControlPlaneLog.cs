using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane;

/// <summary>Log lines of the whole process, 2900 to 2999.</summary>
internal static partial class ControlPlaneLog
{
    [LoggerMessage(2900, LogLevel.Information, "Ready: sidecars at {Grpc}, metrics at {Telemetry}", EventName = "Ready")]
    public static partial void Ready(ILogger logger, string grpc, string telemetry);

    [LoggerMessage(2901, LogLevel.Critical, "A loop failed, the process ends", EventName = "LoopFailed")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(2902, LogLevel.Warning, "{Resource} ({Origin}): {Condition} is False: {Problem}", EventName = "ResourceProblem")]
    public static partial void ResourceProblem(ILogger logger, ResourceKey resource, ResourceOrigin origin, string condition, string problem);

    [LoggerMessage(2903, LogLevel.Information, "{Resource}: no longer so: {Problem}", EventName = "ResourceProblemGone")]
    public static partial void ResourceProblemGone(ILogger logger, ResourceKey resource, string problem);
}
