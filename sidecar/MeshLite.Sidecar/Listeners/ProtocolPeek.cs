using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// Tells a connection's protocol by peeking: the kernel keeps the bytes, so whoever handles the connection reads it from its
/// first one. A connection that never speaks costs one socket and one small object. One per program; thread-safe.
/// </summary>
internal sealed class ProtocolPeek(TimeProvider time)
{
    /// <value>A client silent for this long waits for the server to speak first. 1 s (design.md §3).</value>
    public static readonly TimeSpan ServerFirstAfter = TimeSpan.FromSeconds(1);

    /// <value>How long the first bytes may stay undecided before the stream is taken as TCP. 1 s (design.md §3).</value>
    private static readonly TimeSpan DetectionTimeout = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromMilliseconds(16);

    /// <summary>As below, of a client that may wait for the server: after 1 s of silence it is <see cref="ConnectionProtocol.Opaque"/>.</summary>
    public ValueTask<ConnectionProtocol?> DetectAsync(TcpSocket socket, CancellationToken cancellationToken) =>
        DetectAsync(socket, ServerFirstAfter, whenSilent: ConnectionProtocol.Opaque, cancellationToken);

    /// <summary>
    /// What the client speaks, or <paramref name="whenSilent"/> if it says nothing for <paramref name="patience"/>. Null: it closed
    /// before it said anything, or nothing that must be answered.
    /// </summary>
    public async ValueTask<ConnectionProtocol?> DetectAsync(
        TcpSocket socket, TimeSpan patience, ConnectionProtocol? whenSilent, CancellationToken cancellationToken)
    {
        using var silence = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        (ConnectionProtocol Protocol, int Seen) look;
        try
        {
            while ((look = Peek(socket)).Seen < 0)
            {
                await socket.WaitToReceiveAsync(either.Token);
            }
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested)
        {
            return whenSilent;
        }

        var started = time.GetTimestamp();
        var wait = FirstRetry;
        var seenBefore = 0;
        while (true)
        {
            if (look.Seen == 0)
            {
                return null;
            }

            if (look.Protocol != ConnectionProtocol.Undecided)
            {
                return look.Protocol;
            }

            if (time.GetElapsedTime(started) >= DetectionTimeout)
            {
                return ConnectionProtocol.Opaque;
            }

            // The kernel can't wait for "more than already seen": look again, ever more patiently.
            wait = look.Seen > seenBefore ? FirstRetry : wait < LongestRetry ? wait * 2 : LongestRetry;
            seenBefore = look.Seen;
            await Task.Delay(wait, time, cancellationToken);
            look = Peek(socket);
        }
    }

    /// <summary>The name in a TLS ClientHello (SNI) that has been told to be one; null: it has none.</summary>
    public static string? ServerName(TcpSocket socket)
    {
        Span<byte> buffer = stackalloc byte[ProtocolDetector.MaxPeekBytes];
        _ = socket.TryPeek(buffer, out var seen);
        return ClientHello.Parse(buffer[..seen], out var hello) == ClientHelloResult.Parsed ? hello.ServerName : null;
    }

    // Seen: -1 if nothing is there, 0 if the client has ended its side.
    private static (ConnectionProtocol Protocol, int Seen) Peek(TcpSocket socket)
    {
        Span<byte> buffer = stackalloc byte[ProtocolDetector.MaxPeekBytes];
        return socket.TryPeek(buffer, out var seen) ? (ProtocolDetector.Detect(buffer[..seen]), seen) : (ConnectionProtocol.Undecided, -1);
    }
}
