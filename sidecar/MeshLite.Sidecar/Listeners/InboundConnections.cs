using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// A connection to the application: mesh TLS and HTTP go to Kestrel (where plaintext HTTP is answered with a
/// reason if mTLS is required), other bytes to the application as they are, unless mTLS is required. One per
/// program; thread-safe.
/// </summary>
internal sealed class InboundConnections(
    MeshServer server, TunnelService tunnels, LocalApplication application, MeshState mesh, ImmutableArray<int> opaquePorts, ProtocolPeek peek,
    PlaintextCallers plaintext, RefusalCounter refusals)
{
    /// <summary>A <see cref="AcceptedHandler"/>.</summary>
    public async Task<bool> HandleAsync(TcpSocket socket, IPEndPoint? original, CancellationToken stop)
    {
        if (original is not null && application.Refuses(original) is { } reason)
        {
            refusals.Reset(socket, "inbound", "denied", reason);
            return true;
        }

        switch (Plain(await peek.DetectAsync(socket, stop), original))
        {
            case null:
                return false;
            case ConnectionProtocol.MeshTls:
                server.HandOver(socket, ListenerRole.Inbound, ConnectionProtocol.MeshTls, original);
                return true;
            case (ConnectionProtocol.Http1 or ConnectionProtocol.Http2) and var protocol:
                plaintext.Note(socket.RemoteEndPoint, http: true, letIn: mesh.Workload?.Mtls == MtlsMode.Permissive);
                server.HandOver(socket, ListenerRole.Inbound, protocol, original);
                return true;
            case var _ when mesh.Workload?.Mtls != MtlsMode.Permissive:
                plaintext.Note(socket.RemoteEndPoint, http: false, letIn: false);
                refusals.Refuse(socket, "inbound", "denied", "plaintext, and this workload accepts only mTLS from the mesh");
                return true;
            default:
                plaintext.Note(socket.RemoteEndPoint, http: false, letIn: true);
                await tunnels.ServePlainAsync(socket, original);
                return true;
        }
    }

    // On a port that speaks no HTTP, what looks like it is not.
    private ConnectionProtocol? Plain(ConnectionProtocol? protocol, IPEndPoint? original) =>
        protocol is ConnectionProtocol.Http1 or ConnectionProtocol.Http2
        && IsOpaque((original ?? application.Declared)?.Port ?? 0)
            ? ConnectionProtocol.Opaque
            : protocol;

    private bool IsOpaque(int port) => opaquePorts.Contains(port) || mesh.Workload?.OpaquePorts.Contains(port) == true;
}
