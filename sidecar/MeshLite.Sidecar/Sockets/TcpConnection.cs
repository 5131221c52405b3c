using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace MeshLite.Sidecar.Sockets;

/// <summary>
/// A connection as Kestrel wants it: two pipes, filled from and emptied to a <see cref="TcpSocket"/> or the TLS over it, once <see cref="Start"/>ed. What arrives is served on the
/// thread that received it. Kestrel disposes it when it is done; <see cref="Abort"/> is thread-safe.
/// </summary>
internal sealed class TcpConnection : DefaultConnectionContext, IMemoryPoolFeature
{
    /// <value>Bytes received and not yet read, beyond which no more are received. 1 MiB.</value>
    private const int MaxUnread = 1024 * 1024;

    /// <value>Bytes written and not yet sent, beyond which whoever writes waits. 64 KiB.</value>
    private const int MaxUnsent = 64 * 1024;

    /// <value>What TLS encrypts at once (RFC 8446 §5.1). 16 KiB.</value>
    private const int MaxRecord = 16 * 1024;

    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _closedTold = new();
    private readonly Pipe _input;
    private readonly Pipe _output;
    private ConnectionAbortedException? _why;
    private Task? _receiving;
    private Task? _sending;

    /// <summary>Nothing is received or sent yet.</summary>
    /// <param name="socket">Which it owns.</param>
    /// <param name="id">Its name in logs.</param>
    /// <param name="gathers">
    /// Whether what is written goes out behind what is ready to run, so that many answers leave at once, in one record; else each leaves as it is written. For HTTP/2.
    /// </param>
    /// <param name="pool">Of the pipes' buffers.</param>
    public TcpConnection(TcpSocket socket, string id, bool gathers, MemoryPool<byte> pool)
        : base(id)
    {
        Socket = socket;
        MemoryPool = pool;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        ConnectionClosed = _closed.Token;
        _input = CreatePipe(pool, PipeScheduler.Inline, MaxUnread);
        _output = CreatePipe(pool, gathers ? PipeScheduler.ThreadPool : PipeScheduler.Inline, MaxUnsent);
        Transport = new Pipes(_input.Reader, _output.Writer);
        Features.Set(this);
        Features.Set<IMemoryPoolFeature>(this);
    }

    /// <inheritdoc/>
    public MemoryPool<byte> MemoryPool { get; }

    /// <summary>Below.</summary>
    public TcpSocket Socket { get; }

    /// <summary>Begins to receive and to send. Once.</summary>
    /// <param name="over">TLS over <see cref="Socket"/>, whose handshake is done; null: plaintext.</param>
    public void Start(Stream? over = null)
    {
        over ??= new TcpStream(Socket);
        _receiving = ReceiveAsync(over);
        _sending = SendAsync(over);
    }

    /// <inheritdoc/>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        Close(abortReason);
        _output.Reader.CancelPendingRead();
    }

    /// <summary>Ends it with the last that was written.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _input.Reader.CompleteAsync();
        await _output.Writer.CompleteAsync();
        if (_receiving is null)
        {
            Close(new ConnectionAbortedException("The connection was not served."));
            return;
        }

        await _receiving;
        await _sending!;
    }

    private static Pipe CreatePipe(MemoryPool<byte> pool, PipeScheduler reader, int most) =>
        new(new PipeOptions(pool, reader, PipeScheduler.ThreadPool, pauseWriterThreshold: most, resumeWriterThreshold: most / 2, useSynchronizationContext: false));

    private async Task ReceiveAsync(Stream from)
    {
        Exception? why = null;
        try
        {
            FlushResult flushed;
            do
            {
                _ = await from.ReadAsync(Memory<byte>.Empty); // at rest it holds no buffer
                var count = await from.ReadAsync(_input.Writer.GetMemory());
                if (count == 0)
                {
                    break;
                }

                _input.Writer.Advance(count);
                flushed = await _input.Writer.FlushAsync();
            }
            while (flushed is { IsCompleted: false, IsCanceled: false });
        }
        catch (IOException e) when (e.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            why = new ConnectionResetException(e.Message, e);
        }
        catch (ObjectDisposedException e)
        {
            why = new ConnectionAbortedException(e.Message, e);
        }
        catch (Exception e)
        {
            why = e;
        }

        await _input.Writer.CompleteAsync(Volatile.Read(ref _why) ?? why);
        ThreadPool.UnsafeQueueUserWorkItem(static self => self.TellClosed(), this, preferLocal: false);
        await _closedTold.Task;
    }

    private void TellClosed()
    {
        try
        {
            _closed.Cancel();
        }
        finally
        {
            _closedTold.SetResult();
        }
    }

    private async Task SendAsync(Stream to)
    {
        var why = new ConnectionAbortedException("All there was to say has been sent.");
        try
        {
            ReadResult read;
            do
            {
                read = await _output.Reader.ReadAsync();
                if (read.IsCanceled)
                {
                    break;
                }

                await (to is TcpStream tcp ? tcp.WriteAsync(read.Buffer) : WriteRecordsAsync(to, read.Buffer));
                _output.Reader.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
        }
        catch (Exception e)
        {
            why = new ConnectionAbortedException(e.Message, e);
        }

        Close(why);
        await _output.Reader.CompleteAsync();
        _input.Writer.CancelPendingFlush(); // the other loop may wait for a reader that is gone
    }

    // TLS takes one buffer at a time, and makes a record of each.
    private static async ValueTask WriteRecordsAsync(Stream to, ReadOnlySequence<byte> buffers)
    {
        if (buffers.IsSingleSegment)
        {
            await to.WriteAsync(buffers.First);
            return;
        }

        var record = ArrayPool<byte>.Shared.Rent(MaxRecord);
        try
        {
            while (!buffers.IsEmpty)
            {
                var part = buffers.Slice(0, Math.Min(buffers.Length, MaxRecord));
                part.CopyTo(record);
                await to.WriteAsync(record.AsMemory(0, (int)part.Length));
                buffers = buffers.Slice(part.End);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(record);
        }
    }

    // The first to say why is believed.
    private void Close(ConnectionAbortedException why)
    {
        if (Interlocked.CompareExchange(ref _why, why, null) is null)
        {
            Socket.Shutdown(SocketShutdown.Both);
            Socket.Dispose();
        }
    }

    private sealed class Pipes(PipeReader input, PipeWriter output) : IDuplexPipe
    {
        public PipeReader Input => input;

        public PipeWriter Output => output;
    }
}
