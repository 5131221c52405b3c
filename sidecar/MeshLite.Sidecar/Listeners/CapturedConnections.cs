using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Authorization;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// A connection of the application that was captured on its way to an address. The address alone decides where it goes:
/// <list type="number">
/// <item>Lookup, before the client has said a word: what is not in the mesh, and TCP, need no waiting for it.</item>
/// <item>Not in the mesh: bytes, to where they were going, if that may be called; else what names a host that may is served by that name.</item>
/// <item>TCP by declaration: a tunnel.</item>
/// <item>Else by the first bytes: HTTP to Kestrel, whose pipeline answers for unknown destinations too; the rest a tunnel.</item>
/// </list>
/// One per program; thread-safe.
/// </summary>
internal sealed class CapturedConnections(MeshServer server, TunnelService tunnels, MeshState mesh, EgressRules egress, ProtocolPeek peek, RefusalCounter refusals)
{
    /// <summary>A <see cref="AcceptedHandler"/>, of captured connections.</summary>
    public async Task<bool> HandleAsync(TcpSocket socket, IPEndPoint original, CancellationToken stop)
    {
        // Step 1: Lookup
        var destination = await mesh.ResolveAsync(original.ToString(), stop);

        // Step 2: Not in the mesh
        if (destination is { Kind: DestinationKind.NotInMesh } || (destination is null && mesh.IsOutside(original.Address)))
        {
            if (egress.Check(original.Address) is not null)
            {
                return await ServeByNameAsync(socket, original, stop);
            }

            await tunnels.ServeOutsideAsync(socket, original);
            return true;
        }

        // Step 3: TCP
        if (destination is { Kind: DestinationKind.Service, Config.Protocol: AppProtocol.Tcp })
        {
            await tunnels.ServeDestinationAsync(socket, destination);
            return true;
        }

        // Step 4: By the first bytes
        switch (await DetectAsync(socket, destination, stop))
        {
            case null:
                return false;
            case (ConnectionProtocol.Http1 or ConnectionProtocol.Http2) and var protocol:
                server.HandOver(socket, ListenerRole.Outbound, protocol, original);
                return true;
            case var _ when destination is { Kind: DestinationKind.Service }:
                await tunnels.ServeDestinationAsync(socket, destination);
                return true;
            default:
                refusals.Reset(socket, "outbound", "destination_unknown", $"{original} is not known to the mesh, and not known to be outside");
                return true;
        }
    }

    // The address may not be called. Where a name may, it is called by that name: what a client says of itself leads nowhere else.
    private async Task<bool> ServeByNameAsync(TcpSocket socket, IPEndPoint original, CancellationToken stop)
    {
        switch (await peek.DetectAsync(socket, stop))
        {
            case null:
                return false;
            case (ConnectionProtocol.Http1 or ConnectionProtocol.Http2) and var protocol:
                server.HandOver(socket, ListenerRole.Outbound, protocol, original);
                return true;
            case ConnectionProtocol.Tls when ProtocolPeek.ServerName(socket) is { } name:
                await tunnels.ServeOutsideAsync(socket, name, original.Port);
                return true;
            default:
                refusals.Reset(socket, "outbound", "denied", $"{original} is outside the mesh, and MeshConfig's egress does not allow it");
                return true;
        }
    }

    // Who is declared to speak HTTP may open a connection long before its first request.
    private ValueTask<ConnectionProtocol?> DetectAsync(TcpSocket socket, DestinationModel? destination, CancellationToken stop) =>
        destination?.Config.Protocol == AppProtocol.Http
            ? peek.DetectAsync(socket, MeshServerLimits.KeepAlive, whenSilent: null, stop)
            : peek.DetectAsync(socket, stop);
}
