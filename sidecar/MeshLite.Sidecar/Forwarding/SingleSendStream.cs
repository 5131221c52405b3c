using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Wraps an HTTP/1.1 connection so that one attempt is one send. <c>SocketsHttpHandler</c> resends by itself,
/// whatever the method, when a reused connection ends with FIN before a response (dotnet/runtime#86714); it
/// takes an exception for what it is. So the end of the stream is made an exception here, until the first byte
/// of a response has come; after that FIN is how some servers end a body, and a WebSocket.
/// An end that has come before a request is written, and that nobody has been told of yet (a busy machine is slow to), is
/// found by asking the kernel, where the request is one that must not be repeated: nothing is written then, and it is known
/// not to have been delivered.
/// </summary>
/// <remarks>
/// Which bytes are "the response to the request just written" is told by the order of operations: a write of a
/// request's head begins a request, a read with bytes begins its response. A head starts a write (nothing is pipelined) and
/// with a method, a blank and a slash; the rare body that does too only makes an exception of a FIN that breaks it off anyway.
/// </remarks>
internal sealed class SingleSendStream(Stream inner) : Stream
{
    private const int LongestMethod = 64;

    // RFC 9110 §5.6.2 tchar.
    private static readonly SearchValues<byte> MethodCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private readonly Socket? _socket = (inner as NetworkStream)?.Socket;
    private volatile bool _awaitingResponse;
    private volatile bool _served;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read;
        try
        {
            read = await inner.ReadAsync(buffer, cancellationToken);
        }
        catch (IOException e) when (_awaitingResponse && _served)
        {
            throw new StaleConnectionException(e);
        }

        if (read > 0)
        {
            _awaitingResponse = false;
            _served = true;
        }
        else if (_awaitingResponse && !buffer.IsEmpty)
        {
            throw _served ? new StaleConnectionException() : new IOException("The server closed the connection without answering.");
        }

        return read;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // A write that fails on a connection closed meanwhile is followed by a read that says so.
        if (!_awaitingResponse && BeginsRequest(buffer.Span))
        {
            if (_socket is not null && !MayBeRepeated(buffer.Span) && _socket.Poll(0, SelectMode.SelectRead))
            {
                // Its end, or words nobody asked for: this connection is not for another request.
                return ValueTask.FromException(new ConnectException(tls: false, "the server was closing the connection", new StaleConnectionException()));
            }

            _awaitingResponse = true;
        }

        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => inner.DisposeAsync();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    // GET, HEAD, DELETE, OPTIONS, TRACE: sent again anyway where the server answers nothing, so not worth a call of the kernel each.
    private static bool MayBeRepeated(ReadOnlySpan<byte> request) => request[0] is (byte)'G' or (byte)'H' or (byte)'D' or (byte)'O' or (byte)'T';

    private static bool BeginsRequest(ReadOnlySpan<byte> written)
    {
        var head = written[..Math.Min(written.Length, LongestMethod + 2)];
        var method = head.IndexOfAnyExcept(MethodCharacters);
        return method < 0 ? !head.IsEmpty : method > 0 && head[method..].StartsWith(" /"u8);
    }
}
