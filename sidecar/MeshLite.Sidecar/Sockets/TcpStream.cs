using System.Buffers;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Sockets;

/// <summary>
/// The bytes of a <see cref="TcpSocket"/>, which it owns. What can be done at once is done without a task; a read of nothing waits until there is something, and holds
/// no buffer meanwhile. One reader, one writer; closing is thread-safe. Who waited for the socket goes on on the poller's thread: it must not block.
/// </summary>
internal sealed class TcpStream(TcpSocket socket) : DuplexStream
{
    /// <summary>Below.</summary>
    public TcpSocket Socket => socket;

    /// <summary>Whether the peer has ended its side, and that was read.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Reads what is there. False: nothing is.</summary>
    /// <exception cref="IOException">The connection has failed.</exception>
    public bool TryRead(Span<byte> buffer, out int count)
    {
        try
        {
            var isDone = socket.TryReceive(buffer, out count);
            HasEnded |= isDone && count == 0;
            return isDone;
        }
        catch (SocketException e)
        {
            throw Failed(e);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return !buffer.IsEmpty && !cancellationToken.IsCancellationRequested && TryRead(buffer.Span, out var count)
                ? ValueTask.FromResult(count)
                : WaitAndReadAsync(buffer, cancellationToken);
        }
        catch (Exception e)
        {
            return ValueTask.FromException<int>(e);
        }
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        WriteAsync(new ReadOnlySequence<byte>(buffer), cancellationToken);

    /// <summary>As above, of several buffers.</summary>
    public ValueTask WriteAsync(ReadOnlySequence<byte> buffers, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        try
        {
            return TryWrite(ref buffers) ? ValueTask.CompletedTask : WaitAndWriteAsync(buffers, cancellationToken);
        }
        catch (Exception e)
        {
            return ValueTask.FromException(e);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            socket.Shutdown(SocketShutdown.Both);
            socket.Dispose();
        }

        base.Dispose(disposing);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitAndReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        int count;
        do
        {
            await socket.WaitToReceiveAsync(cancellationToken);
            count = 0;
        }
        while (!buffer.IsEmpty && !TryRead(buffer.Span, out count));

        return count;
    }

    private async ValueTask WaitAndWriteAsync(ReadOnlySequence<byte> buffers, CancellationToken cancellationToken)
    {
        do
        {
            await socket.WaitToSendAsync(cancellationToken);
        }
        while (!TryWrite(ref buffers));
    }

    // False: the rest has no room now.
    private bool TryWrite(ref ReadOnlySequence<byte> buffers)
    {
        try
        {
            while (!buffers.IsEmpty)
            {
                if (!socket.TrySend(buffers, out var count))
                {
                    return false;
                }

                buffers = buffers.Slice(count);
            }

            return true;
        }
        catch (SocketException e)
        {
            throw Failed(e);
        }
    }

    private static IOException Failed(SocketException why) => new($"The connection has failed: {why.Message}", why);
}
