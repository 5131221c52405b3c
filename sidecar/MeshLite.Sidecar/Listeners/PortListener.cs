using System.Net;
using System.Net.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// One TCP port of the sidecar. Accepts, tells the protocol from the first bytes by peeking (the kernel keeps
/// them, so whoever handles the connection reads it from its first byte), and passes the socket on. A
/// connection that never speaks costs one socket and one small object. Bound before it accepts, so that the
/// port is known, and clients queue, while the sidecar is still getting its configuration.
/// </summary>
internal sealed class PortListener : IAsyncDisposable
{
    private const int Backlog = 1024;
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMilliseconds(16);

    private readonly Socket _listener;
    private readonly PortListenerOptions _options;
    private readonly Func<Socket, ConnectionProtocol, Task> _handle;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private int _disposed;

    private PortListener(
        Socket listener, PortListenerOptions options, Func<Socket, ConnectionProtocol, Task> handle, TimeProvider time, ILogger log)
    {
        _listener = listener;
        Address = (IPEndPoint)listener.LocalEndPoint!;
        _options = options;
        _handle = handle;
        _time = time;
        _log = log;
    }

    /// <summary>Where it listens; the port chosen, where 0 was asked for.</summary>
    public IPEndPoint Address { get; }

    /// <summary>Binds and lets clients queue. Throws <see cref="SocketException"/> where the address can't be had.</summary>
    public static PortListener Bind(
        PortListenerOptions options, Func<Socket, ConnectionProtocol, Task> handle, TimeProvider time, ILogger log)
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

    /// <summary>Starts accepting.</summary>
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
                socket.NoDelay = true;
                _ = ServeAsync(socket);
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
                await Task.Delay(LongestRetry, _time, CancellationToken.None);
            }
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        try
        {
            var protocol = await DetectAsync(socket);
            if (protocol is { } detected)
            {
                await _handle(socket, detected);
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

        socket.Dispose();
    }

    /// <summary>Null: the client closed, or waited too long, before it said anything that must be answered.</summary>
    private async ValueTask<ConnectionProtocol?> DetectAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(_options.FirstByteTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _stop.Token);
        try
        {
            // A zero-byte receive completes when there is something to read and takes nothing.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            return _options.SilentMeansOpaque ? ConnectionProtocol.Opaque : null;
        }

        var started = _time.GetTimestamp();
        var wait = FirstRetry;
        var seenBefore = 0;
        while (true)
        {
            var (protocol, seen) = Peek(socket);
            if (seen == 0)
            {
                return null;
            }

            if (protocol != ConnectionProtocol.Undecided)
            {
                return protocol;
            }

            if (_time.GetElapsedTime(started) >= _options.DetectionTimeout)
            {
                return ConnectionProtocol.Opaque;
            }

            // The kernel can't wait for "more than already seen": look again, ever more patiently.
            wait = seen > seenBefore ? FirstRetry : wait < LongestRetry ? wait * 2 : LongestRetry;
            seenBefore = seen;
            await Task.Delay(wait, _time, _stop.Token);
        }
    }

    private static (ConnectionProtocol Protocol, int Seen) Peek(Socket socket)
    {
        Span<byte> buffer = stackalloc byte[ProtocolDetector.MaxPeekBytes];
        var seen = socket.Receive(buffer, SocketFlags.Peek);
        return (ProtocolDetector.Detect(buffer[..seen]), seen);
    }
}

/// <summary>How one port listens.</summary>
internal sealed record PortListenerOptions
{
    /// <value>A client silent for this long waits for the server to speak first. 1 s (design.md §3).</value>
    public static readonly TimeSpan ServerFirstAfter = TimeSpan.FromSeconds(1);

    /// <summary>Name in logs and announcements.</summary>
    public required string Name { get; init; }

    /// <summary>Where to listen; port 0 picks a free one.</summary>
    public required IPEndPoint Address { get; init; }

    /// <summary>How long a client may say nothing.</summary>
    public required TimeSpan FirstByteTimeout { get; init; }

    /// <summary>A silent client speaks a server-first protocol (else it is let go).</summary>
    public required bool SilentMeansOpaque { get; init; }

    /// <summary>How long the first bytes may stay undecided before the stream is taken as TCP. <value>Default 1 s.</value></summary>
    public TimeSpan DetectionTimeout { get; init; } = TimeSpan.FromSeconds(1);
}
