using System.Net.Sockets;
using System.Text;

namespace MeshLite.PodApp;

/// <summary>Waits for the server's greeting, says lines, half-closes, and prints all it hears; how long the greeting took stands behind a #.</summary>
internal static class LineCaller
{
    public static async Task<int> RunAsync(string host, int port, string[] lines)
    {
        using var client = new TcpClient();
        var started = TimeProvider.System.GetTimestamp();
        await client.ConnectAsync(host, port);
        await using var stream = client.GetStream();
        using var reader = new StreamReader(stream);
        Console.WriteLine(await reader.ReadLineAsync());
        Console.WriteLine(FormattableString.Invariant($"# {TimeProvider.System.GetElapsedTime(started).TotalMilliseconds:0} ms"));
        foreach (var line in lines)
        {
            await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"));
            Console.WriteLine(await reader.ReadLineAsync());
        }

        client.Client.Shutdown(SocketShutdown.Send);
        Console.Write(await reader.ReadToEndAsync());
        return 0;
    }
}
