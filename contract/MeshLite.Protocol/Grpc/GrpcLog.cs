using Microsoft.Extensions.Logging;

namespace MeshLite.Protocol.Grpc;

/// <summary>Log lines of the transport, event ids 9000-9019.</summary>
internal static partial class GrpcLog
{
    [LoggerMessage(EventId = 9000, EventName = "HandlerFailed", Level = LogLevel.Error, Message = "{Path} ended with an unexpected exception; the caller gets UNKNOWN without detail")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string path);

    [LoggerMessage(EventId = 9001, EventName = "CallFailed", Level = LogLevel.Debug, Message = "{Path} ended with {Code}: {Detail}")]
    public static partial void CallFailed(ILogger logger, string path, GrpcStatusCode code, string detail);
}
