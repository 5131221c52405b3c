using System.Net.Sockets;
using MeshLite.Model;
using MeshLite.Sidecar.Config;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// A connection to the application: mesh TLS and HTTP go to Kestrel (where plaintext HTTP is answered with a
/// reason if mTLS is required), other bytes to the application as they are, unless mTLS is required. One per
/// program; thread-safe.
/// </summary>
internal sealed class InboundConnections(MeshServer server, TunnelService tunnels, MeshState mesh, RefusalCounter refusals)
{
    /// <summary>Takes over an accepted socket.</summary>
    public Task HandleAsync(Socket socket, ConnectionProtocol protocol)
    {
        switch (protocol)
        {
            case ConnectionProtocol.MeshTls or ConnectionProtocol.Http1 or ConnectionProtocol.Http2:
                server.HandOver(socket, ListenerRole.Inbound, protocol);
                return Task.CompletedTask;
            case var _ when mesh.Workload?.Mtls != MtlsMode.Permissive:
                refusals.Refuse(socket, "inbound", "denied", "plaintext, and this workload accepts only mTLS from the mesh");
                return Task.CompletedTask;
            default:
                return tunnels.ServePlainAsync(socket);
        }
    }
}
