using System.Net;
using System.Net.Sockets;

namespace MeshLite.TestKit.Apps;

/// <summary>
/// A raw TCP application on a free port of loopback: runs a handler for each connection; without one it sends back what
/// it receives. The handler's stream is closed when it returns. Thread-safe.
/// </summary>
public sealed class TcpApp : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Socket, CancellationToken, Task> _handler;
    private readonly Task _accepting;
    private int _connections;

    /// <summary>Starts it; <paramref name="port"/> 0 picks a free one.</summary>
    public TcpApp(Func<Socket, CancellationToken, Task>? handler = null, int port = 0)
    {
        _listener = new TcpListener(IPAddress.Loopback, port);
        _handler = handler ?? EchoAsync;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private static async Task EchoAsync(Socket socket, CancellationToken cancellation)
    {
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await socket.ReceiveAsync(buffer, cancellation)) > 0)
        {
            await socket.SendAsync(buffer.AsMemory(0, read), cancellation);
        }
    }

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_stop.Token);
                Interlocked.Increment(ref _connections);
                running.Add(HandleAsync(socket));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }

        await Task.WhenAll(running);
    }

    private async Task HandleAsync(Socket socket)
    {
        using (socket)
        {
            try
            {
                await _handler(socket, _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                // The peer left, or the test is over.
            }
        }
    }
}
