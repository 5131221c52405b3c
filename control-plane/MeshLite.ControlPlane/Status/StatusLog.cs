using System.Net;
using MeshLite.ControlPlane.Resources;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Status;

/// <summary>Log lines of Status/, 2400 to 2499.</summary>
internal static partial class StatusLog
{
    [LoggerMessage(2400, LogLevel.Information, "Status of {Resource}, generation {Generation}: {Programmed}", EventName = "StatusWritten")]
    public static partial void StatusWritten(ILogger logger, ResourceKey resource, long generation, string programmed);

    [LoggerMessage(2401, LogLevel.Warning, "The status of {Resource} cannot be written: {Problem}", EventName = "StatusFailed")]
    public static partial void StatusFailed(ILogger logger, ResourceKey resource, string problem);

    [LoggerMessage(2402, LogLevel.Debug, "{Resource} was changed by somebody else meanwhile", EventName = "StatusConflict")]
    public static partial void StatusConflict(ILogger logger, ResourceKey resource);

    [LoggerMessage(2403, LogLevel.Warning, "An event about {Resource} cannot be written: {Problem}", EventName = "EventFailed")]
    public static partial void EventFailed(ILogger logger, ResourceKey resource, string problem);

    [LoggerMessage(2404, LogLevel.Information, "Hears replica {Replica} at {Address}", EventName = "ReplicaHeard")]
    public static partial void ReplicaHeard(ILogger logger, IPEndPoint address, string replica);

    [LoggerMessage(2405, LogLevel.Warning, "The replica at {Address} is not heard: {Problem}", EventName = "ReplicaLost")]
    public static partial void ReplicaLost(ILogger logger, IPEndPoint address, string problem);
}
