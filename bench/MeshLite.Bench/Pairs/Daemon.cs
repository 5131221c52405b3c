using System.Net.Sockets;
using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>Servers that do not say when they listen.</summary>
internal static class Daemon
{
    /// <summary>The program's path: distributions keep servers where not every PATH looks.</summary>
    public static string Find(string name) => File.Exists($"/usr/sbin/{name}") ? $"/usr/sbin/{name}" : name;

    /// <summary>Returns once each port takes connections.</summary>
    public static async Task AcceptingAsync(ManagedProcess process, TimeProvider time, params int[] ports)
    {
        foreach (var port in ports)
        {
            await AcceptingAsync(process, port, time);
        }
    }

    private static async Task AcceptingAsync(ManagedProcess process, int port, TimeProvider time)
    {
        for (var attempt = 0; attempt < 400 && !process.HasEnded; attempt++)
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync("127.0.0.1", port);
                return;
            }
            catch (SocketException)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(25), time);
            }
        }

        throw new ProcessFailedException($"{process.Name} does not listen on {port}; its last output:\n{process.Log.Tail(20)}");
    }
}
