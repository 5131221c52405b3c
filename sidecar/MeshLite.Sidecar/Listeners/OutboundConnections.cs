using System.Net;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// A connection from the application. One that was captured says by its address where it goes; else HTTP goes to Kestrel,
/// CONNECT and TLS (by the name its client asks for) become tunnels, and anything else names no destination, so it is refused.
/// One per program; thread-safe.
/// </summary>
internal sealed class OutboundConnections(
    MeshServer server, TunnelService tunnels, CapturedConnections captured, ProtocolPeek peek, RefusalCounter refusals)
{
    /// <summary>A <see cref="AcceptedHandler"/>.</summary>
    public async Task<bool> HandleAsync(TcpSocket socket, IPEndPoint? original, CancellationToken stop)
    {
        if (original is not null)
        {
            return await captured.HandleAsync(socket, original, stop);
        }

        switch (await peek.DetectAsync(socket, MeshServerLimits.KeepAlive, whenSilent: null, stop))
        {
            case null:
                return false;
            case (ConnectionProtocol.Http1 or ConnectionProtocol.Http2) and var protocol:
                server.HandOver(socket, ListenerRole.Outbound, protocol);
                return true;
            case ConnectionProtocol.Connect:
                await tunnels.ServeConnectAsync(socket);
                return true;
            case ConnectionProtocol.Tls when ProtocolPeek.ServerName(socket) is { } name:
                await tunnels.ServeByNameAsync(socket, name);
                return true;
            case var other:
                refusals.Refuse(socket, "outbound", "protocol_error", $"{other}: only HTTP and TLS with a server name say where they go; for other TCP, use HTTP CONNECT");
                return true;
        }
    }
}
