using System.Net;
using System.Net.Sockets;

namespace MeshLite.Processes;

/// <summary>Addresses on this machine.</summary>
public static class Loopback
{
    /// <summary>The program picks a free port and announces it.</summary>
    public static IPEndPoint AnyPort { get; } = new(IPAddress.Loopback, 0);

    /// <summary>A port that is free now, for programs that cannot announce theirs.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
