using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MeshLite.E2E.Kit;

/// <summary>A TCP connection on which a test writes what no client library would, and reads what comes.</summary>
public sealed class RawConnection : IDisposable
{
    private readonly Socket _socket;

    private RawConnection(Socket socket) => _socket = socket;

    /// <summary>The socket itself, for half-closing and resets.</summary>
    public Socket Socket => _socket;

    /// <summary>Connects.</summary>
    public static async Task<RawConnection> OpenAsync(IPEndPoint address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(address);
        return new RawConnection(socket);
    }

    /// <summary>Sends text as Latin-1: each character one byte.</summary>
    public Task WriteAsync(string text) => WriteAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Sends bytes.</summary>
    public async Task WriteAsync(ReadOnlyMemory<byte> bytes) => await _socket.SendAsync(bytes);

    /// <summary>Reads until the text so far satisfies <paramref name="enough"/> or the peer ends; at most <paramref name="timeout"/>.</summary>
    public async Task<string> ReadAsync(Func<string, bool> enough, TimeSpan? timeout = null)
    {
        using var time = new CancellationTokenSource(timeout ?? TimeSpan.FromSeconds(15), TimeProvider.System);
        var text = new StringBuilder();
        var buffer = new byte[16 * 1024];
        try
        {
            while (!enough(text.ToString()))
            {
                var read = await _socket.ReceiveAsync(buffer, time.Token);
                if (read == 0)
                {
                    break;
                }

                text.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }
        }
        catch (SocketException)
        {
            // Reset: what came before it stands.
        }

        return text.ToString();
    }

    /// <summary>Reads until the peer ends.</summary>
    public Task<string> ReadToEndAsync(TimeSpan? timeout = null) => ReadAsync(_ => false, timeout);

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
