using MeshLite.Sidecar.Listeners;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>Log lines of <c>Pipeline/</c>: ids 1100-1199.</summary>
internal static partial class PipelineLog
{
    [LoggerMessage(EventId = 1100, EventName = "RequestFailed", Level = LogLevel.Error, Message = "{Role}: a request failed in the sidecar itself")]
    public static partial void RequestFailed(ILogger logger, Exception exception, ListenerRole role);
}
