namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>Log lines of <c>Telemetry/Tracing/</c>: ids 1400-1499.</summary>
internal static partial class TracingLog
{
    [LoggerMessage(EventId = 1400, EventName = "ExportFails", Level = LogLevel.Warning, Message = "spans can't be exported to {Collector} and are dropped: {Why}")]
    public static partial void ExportFails(ILogger logger, Uri collector, string why);

    [LoggerMessage(EventId = 1401, EventName = "ExportWorks", Level = LogLevel.Information, Message = "{Collector} takes spans again")]
    public static partial void ExportWorks(ILogger logger, Uri collector);
}
