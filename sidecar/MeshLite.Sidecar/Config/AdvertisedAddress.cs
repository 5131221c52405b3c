using System.Net;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Config;

/// <summary>The inbound address this sidecar tells its peers (standalone).</summary>
internal static class AdvertisedAddress
{
    /// <summary>
    /// As set, else as bound; a listener on all addresses is advertised at the one this machine reaches the control
    /// plane from, since peers reach the control plane too.
    /// </summary>
    public static IPEndPoint Choose(IPEndPoint? advertise, IPEndPoint bound, Uri controlPlane)
    {
        var chosen = advertise ?? bound;
        if (!chosen.Address.Equals(IPAddress.Any) && !chosen.Address.Equals(IPAddress.IPv6Any))
        {
            return chosen;
        }

        // Connecting a UDP socket sends nothing; it only asks the kernel for the route.
        using var socket = new Socket(SocketType.Dgram, ProtocolType.Udp);
        socket.Connect(controlPlane.IdnHost, controlPlane.Port);
        var local = ((IPEndPoint)socket.LocalEndPoint!).Address;
        return new IPEndPoint(local.IsIPv4MappedToIPv6 ? local.MapToIPv4() : local, chosen.Port);
    }
}
