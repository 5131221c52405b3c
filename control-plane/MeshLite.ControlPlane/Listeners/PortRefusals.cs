using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Listeners;

/// <summary>Connections refused for what they are, or sent, before it became a request: logged and counted. Thread-safe.</summary>
internal sealed class PortRefusals(ControlPlaneMetrics metrics, ILogger logger)
{
    /// <summary>One that has been closed, or is about to be.</summary>
    public void Refused(string listener, string client, string reason, string detail)
    {
        metrics.ConnectionRefused(listener, reason);
        Log(listener, client, detail);
    }

    /// <summary>One that somebody else counts.</summary>
    public void Log(string listener, string client, string detail) => PortLog.ConnectionRefused(logger, listener, client, detail);
}

/// <summary>Log lines of <c>Listeners/</c>: ids 2850-2899.</summary>
internal static partial class PortLog
{
    [LoggerMessage(EventId = 2850, EventName = "ConnectionRefused", Level = LogLevel.Information, Message = "{Listener}: connection from {Client} refused: {Reason}")]
    public static partial void ConnectionRefused(ILogger logger, string listener, string client, string reason);
}
