using System.Net.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Log lines of <c>Listeners/</c>: ids 1000-1099.</summary>
internal static partial class ListenerLog
{
    [LoggerMessage(EventId = 1000, EventName = "AcceptFailed", Level = LogLevel.Warning, Message = "{Listener}: accepting failed ({Error}); still listening")]
    public static partial void AcceptFailed(ILogger logger, string listener, SocketError error);

    [LoggerMessage(EventId = 1001, EventName = "ConnectionFailed", Level = LogLevel.Debug, Message = "{Listener}: connection ended: {Reason}")]
    public static partial void ConnectionFailed(ILogger logger, string listener, string reason);

    [LoggerMessage(EventId = 1002, EventName = "HandlerFailed", Level = LogLevel.Error, Message = "{Listener}: handling a connection failed")]
    public static partial void HandlerFailed(ILogger logger, Exception exception, string listener);

    [LoggerMessage(EventId = 1003, EventName = "ConnectionRefused", Level = LogLevel.Information, Message = "{Listener}: connection from {Client} refused: {Reason}")]
    public static partial void ConnectionRefused(ILogger logger, string listener, string client, string reason);

    [LoggerMessage(EventId = 1004, EventName = "HandshakeFailed", Level = LogLevel.Information, Message = "outbound: no TLS with the peer at {Peer}: {Result}")]
    public static partial void HandshakeFailed(ILogger logger, string peer, string result);
}
