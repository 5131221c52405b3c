using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace MeshLite.PodApp;

/// <summary>
/// Raw TCP. Bulk: 8 bytes say how many follow; when the client is done sending, the digest of what came goes back, and as
/// many bytes again. Greeting: the server speaks first, then sends each line back in reverse, and a last word after the
/// client's FIN.
/// </summary>
internal sealed class TcpServers(string name) : IDisposable
{
    private readonly List<TcpListener> _listeners = [];

    public void Start()
    {
        Listen(Ports.Bulk, BulkAsync);
        Listen(Ports.Greeting, GreetAsync);
        Listen(Ports.UnknownGreeting, GreetAsync);
    }

    public void Dispose() => _listeners.ForEach(listener => listener.Stop());

    private void Listen(int port, Func<NetworkStream, Task> serve)
    {
        var listener = TcpListener.Create(port);
        listener.Start();
        _listeners.Add(listener);
        _ = AcceptAsync(listener, serve);
    }

    private static async Task AcceptAsync(TcpListener listener, Func<NetworkStream, Task> serve)
    {
        while (true)
        {
            _ = ServeAsync(await listener.AcceptSocketAsync(), serve);
        }
    }

    private static async Task ServeAsync(Socket socket, Func<NetworkStream, Task> serve)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            await serve(stream);
        }
        catch (IOException)
        {
            // The client left.
        }
    }

    private static async Task BulkAsync(NetworkStream stream)
    {
        var head = new byte[8];
        await stream.ReadExactlyAsync(head);
        var left = BinaryPrimitives.ReadInt64BigEndian(head);
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[256 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            digest.AppendData(buffer, 0, read);
        }

        await stream.WriteAsync(digest.GetHashAndReset());
        await BulkPattern.SendAsync(stream, left);
    }

    private async Task GreetAsync(NetworkStream stream)
    {
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"220 {name} ready\r\n"));
        using var reader = new StreamReader(stream, leaveOpen: true);
        var lines = 0;
        while (await reader.ReadLineAsync() is { } line)
        {
            lines++;
            await stream.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(line.Reverse()) + "\r\n"));
        }

        await stream.WriteAsync(Encoding.UTF8.GetBytes($"221 {lines} lines\r\n"));
    }
}
