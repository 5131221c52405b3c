using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace MeshLite.Processes;

/// <summary>Addresses on this machine. Thread-safe.</summary>
public static class Loopback
{
    // Below the kernel's range for outgoing connections (net.ipv4.ip_local_port_range, from 32768): nothing but another
    // server can take such a port between looking and listening.
    private const int Lowest = 20000;
    private const int Highest = 32000;

    private static readonly ConcurrentDictionary<int, bool> HandedOut = new();

    /// <summary>The program picks a free port and announces it.</summary>
    public static IPEndPoint AnyPort { get; } = new(IPAddress.Loopback, 0);

    /// <summary>A port that is free now and that this process was not given before; for what has to be known in advance.</summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(Lowest, Highest);
            if (!HandedOut.TryAdd(port, true))
            {
                continue;
            }

            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
    }
}
