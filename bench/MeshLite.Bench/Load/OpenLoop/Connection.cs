using System.Buffers.Text;
using System.Net.Sockets;
using MeshLite.Processes;

namespace MeshLite.Bench.Load.OpenLoop;

/// <summary>
/// One kept HTTP/1.1 connection, one request at a time on it. Never blocks once connected and allocates nothing. One thread.
/// </summary>
internal sealed class Connection : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _request;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _filled;

    // Of the body, once the head has been read; -1: it has not.
    private long _bodyLeft = -1;

    public Connection(string host, int port, byte[] request)
    {
        _request = request;
        _socket.Connect(host, port);
        _socket.Blocking = false;
    }

    /// <summary>For <see cref="Poll"/>.</summary>
    public nint Handle => _socket.Handle;

    /// <summary>The request under way; -1: none.</summary>
    public int Request { get; private set; } = -1;

    /// <summary>Whether the answers so far were 200.</summary>
    public bool IsOk { get; private set; } = true;

    /// <summary>Sends a request: a few hundred bytes, which always fit in the socket's buffer.</summary>
    public void Send(int request)
    {
        Request = request;
        if (_socket.Send(_request, SocketFlags.None, out var error) != _request.Length)
        {
            throw new ProcessFailedException($"open loop: a request could not be sent whole: {error}");
        }
    }

    /// <summary>Reads what has come; true: the answer is complete, and the connection free again.</summary>
    public bool Receive()
    {
        while (true)
        {
            var read = _socket.Receive(_buffer.AsSpan(_filled), SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
            {
                return false;
            }

            if (read == 0 || error != SocketError.Success || Request < 0)
            {
                throw new ProcessFailedException($"open loop: the connection ended, or said something unasked ({error})");
            }

            if (Take(read))
            {
                (Request, _filled, _bodyLeft) = (-1, 0, -1);
                return true;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private bool Take(int read)
    {
        if (_bodyLeft >= 0)
        {
            _bodyLeft -= read;
            return _bodyLeft == 0;
        }

        _filled += read;
        var head = _buffer.AsSpan(0, _filled);
        var end = head.IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return false;
        }

        IsOk &= head.StartsWith("HTTP/1.1 200"u8);
        _bodyLeft = ContentLength(head[..end]) - (_filled - end - 4);
        _filled = 0;
        return _bodyLeft == 0;
    }

    private static long ContentLength(ReadOnlySpan<byte> head)
    {
        var name = "content-length:"u8;
        while (head.IndexOf((byte)'\n') is >= 0 and var line)
        {
            head = head[(line + 1)..];
            if (head.Length > name.Length && System.Text.Ascii.EqualsIgnoreCase(head[..name.Length], name)
                && Utf8Parser.TryParse(head[name.Length..].TrimStart((byte)' '), out long length, out _))
            {
                return length;
            }
        }

        throw new ProcessFailedException("open loop: an answer without Content-Length");
    }
}
