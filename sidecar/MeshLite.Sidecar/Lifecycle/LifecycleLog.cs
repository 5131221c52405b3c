namespace MeshLite.Sidecar.Lifecycle;

/// <summary>Log lines of <c>Lifecycle/</c>: ids 1300-1399.</summary>
internal static partial class LifecycleLog
{
    [LoggerMessage(EventId = 1300, EventName = "Draining", Level = LogLevel.Information, Message = "draining {Connections} connections")]
    public static partial void Draining(ILogger logger, int connections);

    [LoggerMessage(EventId = 1301, EventName = "Drained", Level = LogLevel.Information, Message = "drained in {Seconds:0.00} s, {Left} connections left")]
    public static partial void Drained(ILogger logger, double seconds, int left);

    [LoggerMessage(EventId = 1302, EventName = "ApplicationHealth", Level = LogLevel.Information, Message = "the application is {Health}: {Why}")]
    public static partial void ApplicationHealth(ILogger logger, string health, string why);

    [LoggerMessage(EventId = 1303, EventName = "Ready", Level = LogLevel.Information, Message = "ready as {Identity}, {Milliseconds:0} ms after start")]
    public static partial void Ready(ILogger logger, string identity, double milliseconds);

    [LoggerMessage(EventId = 1304, EventName = "Waiting", Level = LogLevel.Information, Message = "not ready: {Why}")]
    public static partial void Waiting(ILogger logger, string why);
}
