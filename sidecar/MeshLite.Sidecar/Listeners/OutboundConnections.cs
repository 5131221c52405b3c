using System.Net.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// A connection from the application: HTTP goes to Kestrel, CONNECT becomes a tunnel. Anything else names no
/// destination, so it is refused. One per program; thread-safe.
/// </summary>
internal sealed class OutboundConnections(MeshServer server, TunnelService tunnels, RefusalCounter refusals)
{
    /// <summary>Takes over an accepted socket.</summary>
    public Task HandleAsync(Socket socket, ConnectionProtocol protocol)
    {
        switch (protocol)
        {
            case ConnectionProtocol.Http1 or ConnectionProtocol.Http2:
                server.HandOver(socket, ListenerRole.Outbound, protocol);
                return Task.CompletedTask;
            case ConnectionProtocol.Connect:
                return tunnels.ServeConnectAsync(socket);
            default:
                refusals.Refuse(socket, "outbound", "protocol_error", $"{protocol}: only HTTP names its destination; for TCP, use HTTP CONNECT");
                return Task.CompletedTask;
        }
    }
}
