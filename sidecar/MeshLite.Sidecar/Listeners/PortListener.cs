using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// One TCP port of the sidecar: accepts, asks where a captured connection was going, and passes the socket on to
/// whoever tells what it speaks. Bound before it accepts, so that the port is known, and clients queue, while the sidecar is
/// still getting its configuration.
/// </summary>
internal sealed class PortListener : IAsyncDisposable
{
    private const int Backlog = 1024;
    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(16);

    private readonly TcpAcceptor _listener;
    private readonly PortListenerOptions _options;
    private readonly AcceptedHandler _handle;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private int _disposed;
    private int _serving;

    private PortListener(Socket listener, PortListenerOptions options, AcceptedHandler handle, TimeProvider time, ILogger log)
    {
        Address = (IPEndPoint)listener.LocalEndPoint!;
        _listener = new TcpAcceptor(listener);
        _options = options;
        _handle = handle;
        _time = time;
        _log = log;
    }

    /// <summary>Where it listens; the port chosen, where 0 was asked for.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Binds and lets clients queue. Throws <see cref="SocketException"/> where the address can't be had.</summary>
    public static PortListener Bind(PortListenerOptions options, AcceptedHandler handle, TimeProvider time, ILogger log)
    {
        var socket = new Socket(options.Address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            socket.Bind(options.Address);
            socket.Listen(Backlog);
            return new PortListener(socket, options, handle, time, log);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Starts accepting. Once.</summary>
    public void Start() => _loop = AcceptAsync();

    /// <summary>Refuses new connections; those accepted are their handlers' business.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync();
        _listener.Dispose();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await _listener.AcceptAsync(_stop.Token);
                if (Interlocked.Increment(ref _serving) > _options.MaxConnections)
                {
                    Interlocked.Decrement(ref _serving);
                    _options.Refuse(socket);
                    continue;
                }

                _ = ServeAsync(socket, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (ObjectDisposedException)
            {
                return;
            }
            catch (SocketException e)
            {
                // Out of descriptors, or the client reset while queued: neither ends the listener.
                ListenerLog.AcceptFailed(_log, _options.Name, e.SocketErrorCode);
                await Task.Delay(AcceptRetry, _time, CancellationToken.None);
            }
        }
    }

    private async Task ServeAsync(TcpSocket socket, CancellationToken stop)
    {
        try
        {
            if (await _handle(socket, _options.Transparent ? OriginalDestination.Of(socket.Socket) : null, stop))
            {
                return;
            }
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            ListenerLog.ConnectionFailed(_log, _options.Name, e.Message);
        }
        catch (Exception e)
        {
            ListenerLog.HandlerFailed(_log, e, _options.Name);
        }
        finally
        {
            Interlocked.Decrement(ref _serving);
        }

        socket.Dispose();
    }
}

/// <summary>
/// Takes over an accepted socket. <paramref name="original"/>: where it was going before it was captured; null: here.
/// <paramref name="stop"/>: the listener closes. False: it has not been taken over, and is closed.
/// </summary>
internal delegate Task<bool> AcceptedHandler(TcpSocket socket, IPEndPoint? original, CancellationToken stop);

/// <summary>How one port listens.</summary>
internal sealed record PortListenerOptions
{
    /// <summary>Name in logs and announcements.</summary>
    public required string Name { get; init; }

    /// <summary>Where to listen; port 0 picks a free one.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>Whether rules may lead connections here that were going elsewhere.</summary>
    public bool Transparent { get; init; }

    /// <value>
    /// Connections whose first bytes are waited for, and tunnels; more are refused, before they cost the descriptors by which others are
    /// served. What is HTTP Kestrel counts (<see cref="MeshServerLimits.MaxConnections"/>). Default 10,000.
    /// </value>
    public int MaxConnections { get; init; } = MeshServerLimits.MaxConnections;

    /// <summary>Ends a socket that is one too many.</summary>
    public Action<TcpSocket> Refuse { get; init; } = static socket => socket.Dispose();
}
