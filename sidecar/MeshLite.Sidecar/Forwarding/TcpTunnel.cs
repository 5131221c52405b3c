using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using MeshLite.Metrics;
using MeshLite.Sidecar.Sockets;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Two byte streams joined: what one sends the other gets, each direction ending by itself (half-close: TCP's
/// FIN, TLS's close_notify, RFC 8446 §6.1). A reset on one side resets the other. One call a connection.
/// </summary>
internal sealed class TcpTunnel(TimeProvider time)
{
    /// <value>How long neither side may send. 1 h (design.md §3).</value>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromHours(1);

    private const int BufferBytes = 64 * 1024;

    /// <summary>
    /// Runs until both directions have ended, either side failed, the tunnel was idle too long, or
    /// <paramref name="cancellationToken"/> fired. Disposes neither stream. Returns what flowed, and counts it in <paramref name="flow"/> meanwhile.
    /// </summary>
    public async Task<TcpTunnelResult> RunAsync(Stream client, Stream server, CancellationToken cancellationToken, TcpFlow? flow = null)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var idle = new CancellationTokenSource(IdleTimeout, time);
        using var whenIdle = idle.Token.UnsafeRegister(static s => ((CancellationTokenSource)s!).Cancel(), stop);

        var up = CopyAsync(client, server, flow?.Received, idle, stop);
        var down = CopyAsync(server, client, flow?.Sent, idle, stop);
        var (sent, sentClean) = await up;
        var (received, receivedClean) = await down;
        return new TcpTunnelResult(sent, received, sentClean && receivedClean, idle.IsCancellationRequested);
    }

    private static async Task<(long Bytes, bool Clean)> CopyAsync(
        Stream from, Stream to, CounterSeries? bytes, CancellationTokenSource idle, CancellationTokenSource stop)
    {
        long total = 0;
        try
        {
            while (true)
            {
                // A zero-byte read waits without holding a buffer: an idle tunnel costs none.
                _ = await from.ReadAsync(Memory<byte>.Empty, stop.Token);
                var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
                try
                {
                    var read = await from.ReadAsync(buffer, stop.Token);
                    if (read == 0)
                    {
                        if (from is MeshTlsStream { Truncated: true })
                        {
                            throw new IOException("The peer's connection ended without close_notify.");
                        }

                        await ShutdownSendAsync(to);
                        return (total, true);
                    }

                    await to.WriteAsync(buffer.AsMemory(0, read), stop.Token);
                    total += read;
                    bytes?.Add(read);
                    idle.CancelAfter(IdleTimeout);
                }
                finally
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                }
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            await stop.CancelAsync();
            return (total, false);
        }
    }

    private static Task ShutdownSendAsync(Stream stream)
    {
        switch (stream)
        {
            case SslStream tls:
                return tls.ShutdownAsync();
            case TcpStream tcp:
                tcp.Socket.Shutdown(SocketShutdown.Send);
                break;
        }

        return Task.CompletedTask;
    }
}

/// <summary>Bytes from client to server and back; <paramref name="Clean"/>: both directions ended by themselves. <paramref name="Idle"/>: for lack of any.</summary>
internal readonly record struct TcpTunnelResult(long Sent, long Received, bool Clean, bool Idle);
