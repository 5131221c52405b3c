using System.Text;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>The head of an HTTP/1.1 CONNECT request (RFC 9110 §9.3.6), read from the socket up to its empty line.</summary>
internal static class ConnectHead
{
    /// <value>Bytes; a longer head is refused. 16 KiB.</value>
    public const int MaxBytes = 16 * 1024;

    /// <summary>
    /// Reads the head and nothing behind it. Returns the target authority, or null when the client closed or what
    /// it sent is no CONNECT request.
    /// </summary>
    public static async ValueTask<string?> ReadAsync(TcpSocket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxBytes];
        var length = 0;
        while (length < MaxBytes)
        {
            // Peek, find the end, then take exactly the head: what follows belongs to the tunnel.
            await socket.WaitToReceiveAsync(cancellationToken);
            if (!socket.TryPeek(buffer.AsSpan(length), out var seen))
            {
                continue;
            }

            if (seen == 0)
            {
                return null;
            }

            var end = buffer.AsSpan(0, length + seen).IndexOf("\r\n\r\n"u8);
            var take = end < 0 ? seen : end + 4 - length;
            _ = socket.TryReceive(buffer.AsSpan(length, take), out var taken);
            length += taken;
            if (end >= 0)
            {
                return Target(buffer.AsSpan(0, length));
            }
        }

        return null;
    }

    /// <summary>The target of a whole head, its empty line included; null: this is no CONNECT request. Pure.</summary>
    internal static string? Target(ReadOnlySpan<byte> head)
    {
        var line = Encoding.Latin1.GetString(head[..head.IndexOf("\r\n"u8)]).Split(' ');
        return line is ["CONNECT", { Length: > 0 } target, "HTTP/1.1" or "HTTP/1.0"] && !target.AsSpan().ContainsAnyExceptInRange('!', '~') ? target : null;
    }
}
