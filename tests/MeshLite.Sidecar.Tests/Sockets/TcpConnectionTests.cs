using System.Buffers;
using System.Collections.Concurrent;
using System.IO.Pipelines;
using System.Net.Sockets;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Sockets;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.Sidecar.Tests.Sockets;

public sealed class TcpConnectionTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = Ends.Patience;
    private readonly byte[] _buffer = new byte[64];
    private readonly TaskCompletionSource _closed = new();
    private Ends _ends = null!;
    private TcpConnection? _connection;
    private RecordingStream? _over;

    private TcpSocket Peer => _ends.Client;

    public async ValueTask InitializeAsync() => _ends = await Ends.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        _over?.End();
        if (_connection is not null)
        {
            _connection.Abort(new ConnectionAbortedException("The test has ended."));
            await _connection.DisposeAsync().AsTask().WaitAsync(Patience);
        }

        _ends.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_GoBothWays(bool gathers)
    {
        var connection = Connect(gathers);
        connection.Start();
        for (var i = 0; i < 20; i++)
        {
            var bytes = Bytes.Random(1 + (i * 1_000), seed: i);
            await Peer.SendAsync(bytes);
            (await ReadAsync(connection, bytes.Length)).ShouldBe(bytes);
            await connection.Transport.Output.WriteAsync(bytes);
            (await Peer.ReceiveExactlyAsync(bytes.Length)).ShouldBe(bytes);
        }

        connection.ConnectionClosed.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public async Task NotStarted_KnowsItsAddresses_AndReceivesNothing()
    {
        var connection = Connect();

        connection.LocalEndPoint.ShouldBe(Peer.RemoteEndPoint);
        connection.RemoteEndPoint.ShouldBe(Peer.LocalEndPoint);
        connection.ConnectionId.ShouldBe("test");
        await Peer.SendAsync("hello"u8.ToArray());
        connection.Transport.Input.TryRead(out _).ShouldBeFalse();
        (await _ends.Server.ReceiveExactlyAsync(5)).ShouldBe("hello"u8.ToArray());
    }

    [Fact]
    public async Task PeerEnds_CompletesTheInput_AndTellsThatItIsClosed()
    {
        var connection = Connect();
        connection.Start();
        await Peer.SendAsync("last"u8.ToArray());
        Peer.Shutdown(SocketShutdown.Send);

        (await ReadAsync(connection, 4)).ShouldBe("last"u8.ToArray());
        var read = await connection.Transport.Input.ReadAsync().AsTask().WaitAsync(Patience);
        read.IsCompleted.ShouldBeTrue();
        read.Buffer.IsEmpty.ShouldBeTrue();
        await _closed.Task.WaitAsync(Patience);
        await connection.Transport.Output.WriteAsync("answer"u8.ToArray());
        (await Peer.ReceiveExactlyAsync(6)).ShouldBe("answer"u8.ToArray());
    }

    [Fact]
    public async Task PeerResets_FailsTheInput_AndTellsThatItIsClosed()
    {
        var connection = Connect();
        connection.Start();
        var reading = connection.Transport.Input.ReadAsync().AsTask();
        reading.IsCompleted.ShouldBeFalse();
        Peer.Reset();

        await Should.ThrowAsync<ConnectionResetException>(() => reading.WaitAsync(Patience));
        await _closed.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task Abort_EndsAReadUnderWay_AndCloses()
    {
        var connection = Connect();
        connection.Start();
        var reading = connection.Transport.Input.ReadAsync().AsTask();
        reading.IsCompleted.ShouldBeFalse();
        var why = new ConnectionAbortedException("why");
        connection.Abort(why);
        connection.Abort(new ConnectionAbortedException("later"));

        (await Should.ThrowAsync<ConnectionAbortedException>(() => reading.WaitAsync(Patience))).Message.ShouldBe("why");
        await _closed.Task.WaitAsync(Patience);
        (await Peer.ReceiveAsync(_buffer)).ShouldBe(0);
        Should.Throw<ObjectDisposedException>(() => connection.Socket.TryReceive(_buffer, out _));
    }

    /// <summary>Nobody reads what comes, the peer does not read what goes.</summary>
    [Fact]
    public async Task Abort_BothWaysStuck_EndsAll()
    {
        _ends.Narrow();
        var connection = Connect();
        connection.Start();
        var sending = Peer.SendAsync(new byte[4 * 1024 * 1024]);
        var writing = connection.Transport.Output.WriteAsync(new byte[4 * 1024 * 1024]).AsTask();
        await Eventually.TrueAsync(() => Unread(connection) >= 1024 * 1024, "the input is full", Patience);
        writing.IsCompleted.ShouldBeFalse();
        connection.Abort(new ConnectionAbortedException("why"));

        await writing.WaitAsync(Patience);
        await _closed.Task.WaitAsync(Patience);
        await connection.DisposeAsync().AsTask().WaitAsync(Patience);
        (await Should.ThrowAsync<SocketException>(() => sending)).SocketErrorCode.ShouldBeOneOf(SocketError.ConnectionReset, SocketError.Shutdown);
    }

    /// <summary>And there is nothing to be sent: both loops rest.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Abort_NobodyReads_EndsAll(bool gathers)
    {
        var connection = Connect(gathers);
        connection.Start();
        var sending = Peer.SendAsync(new byte[1024 * 1024]);
        await Eventually.TrueAsync(() => Unread(connection) >= 1024 * 1024, "the input is full", Patience);
        await sending;
        connection.Abort(new ConnectionAbortedException("why"));

        await _closed.Task.WaitAsync(Patience);
        (await connection.Transport.Output.WriteAsync(_buffer)).IsCompleted.ShouldBeTrue("nothing is sent any more");
    }

    [Fact]
    public async Task Abort_BeforeItWasStarted_Closes()
    {
        var connection = Connect();
        connection.Abort(new ConnectionAbortedException("why"));

        (await Peer.ReceiveAsync(_buffer)).ShouldBe(0);
        await connection.DisposeAsync().AsTask().WaitAsync(Patience);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_SendsWhatWasWritten_ThenTheEnd(bool gathers)
    {
        _ends.Narrow();
        var connection = Connect(gathers);
        connection.Start();
        var bytes = Bytes.Random(300_000);
        connection.Transport.Output.Write(bytes);
        var disposing = connection.DisposeAsync().AsTask();
        disposing.IsCompleted.ShouldBeFalse("not all has room");

        (await Peer.ReceiveExactlyAsync(bytes.Length)).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        (await Peer.ReceiveAsync(_buffer)).ShouldBe(0);
        await disposing.WaitAsync(Patience);
        _closed.Task.IsCompleted.ShouldBeTrue("that was told before");
        Should.Throw<ObjectDisposedException>(() => connection.Socket.TryReceive(_buffer, out _));
    }

    [Fact]
    public async Task Dispose_NotStarted_Closes()
    {
        var connection = Connect();
        await connection.DisposeAsync().AsTask().WaitAsync(Patience);

        (await Peer.ReceiveAsync(_buffer)).ShouldBe(0);
        Should.Throw<ObjectDisposedException>(() => connection.Socket.TryReceive(_buffer, out _));
    }

    [Fact]
    public async Task NobodyReads_NoMoreIsReceived_UntilSomebodyDoes()
    {
        const int Count = 8 * 1024 * 1024;
        const int Most = 1024 * 1024;
        const int InTheKernel = 1024 * 1024; // and far more than that in truth
        _ends.Narrow();
        var connection = Connect();
        connection.Start();
        var bytes = Bytes.Random(Count);
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            while (sent < Count)
            {
                if (Peer.TrySend(new ReadOnlySequence<byte>(bytes.AsMemory(sent)), out var count))
                {
                    Volatile.Write(ref sent, sent + count);
                }
                else
                {
                    await Peer.WaitToSendAsync(CancellationToken.None);
                }
            }
        });

        await Eventually.TrueAsync(() => Unread(connection) >= Most, "all that may be unread is", Patience);
        await RestAsync(() => Volatile.Read(ref sent), Most);
        Unread(connection).ShouldBeLessThan(Most + (64 * 1024));
        Volatile.Read(ref sent).ShouldBeInRange(Most, Most + InTheKernel);
        sending.IsCompleted.ShouldBeFalse();

        (await ReadAsync(connection, Count)).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        await sending.WaitAsync(Patience);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PeerDoesNotRead_WhoFlushesWaits_UntilItDoes(bool gathers)
    {
        const int Most = 64 * 1024;
        const int InTheKernel = 1024 * 1024;
        _ends.Narrow();
        var connection = Connect(gathers);
        connection.Start();
        var bytes = Bytes.Random(4096);
        var written = 0;
        var writing = Task.Run(async () =>
        {
            while (written < 8 * 1024 * 1024)
            {
                connection.Transport.Output.Write(bytes);
                Volatile.Write(ref written, written + bytes.Length);
                await connection.Transport.Output.FlushAsync();
            }
        });

        await RestAsync(() => Volatile.Read(ref written), Most);
        Volatile.Read(ref written).ShouldBeInRange(Most, Most + InTheKernel);
        writing.IsCompleted.ShouldBeFalse();

        var came = await Peer.ReceiveExactlyAsync(8 * 1024 * 1024);
        came.Where((b, i) => b != bytes[i % bytes.Length]).ShouldBeEmpty();
        await writing.WaitAsync(Patience);
    }

    /// <summary>An answer of HTTP/1.1.</summary>
    [Fact]
    public async Task DoesNotGather_EachFlush_IsWrittenBeforeItReturns()
    {
        var over = Over();
        var connection = Connect(gathers: false);
        connection.Start(over);
        for (byte i = 1; i <= 10; i++)
        {
            connection.Transport.Output.Write<byte>([i, i]);
            over.Records.Count.ShouldBe(i - 1);
            connection.Transport.Output.FlushAsync().IsCompleted.ShouldBeTrue();
            over.Records.Count.ShouldBe(i);
            over.Records.Last().ShouldBe([i, i]);
        }
    }

    /// <summary>Who flushes does not write: this thread does not return to the pool meanwhile, so that it can be no other's.</summary>
    [Fact]
    public async Task Gathers_IsWrittenOnAnotherThread()
    {
        var over = Over();
        var connection = Connect(gathers: true);
        connection.Start(over);
        connection.Transport.Output.Write<byte>([1]);
        connection.Transport.Output.FlushAsync().IsCompleted.ShouldBeTrue();

        over.Written.Wait(Patience).ShouldBeTrue();
        over.Thread.ShouldNotBe(Environment.CurrentManagedThreadId);
    }

    /// <summary>Another thread may come first and write what there is so far, but not each time.</summary>
    [Fact]
    public async Task Gathers_WhatOneWorkItemFlushes_LeavesInOneRecord()
    {
        const int Rounds = 200;
        const int Flushes = 10;
        var over = Over();
        var connection = Connect(gathers: true);
        connection.Start(over);
        var gathered = 0;
        for (var round = 0; round < Rounds; round++)
        {
            over.Records.Clear();
            await Task.Run(() =>
            {
                for (byte i = 0; i < Flushes; i++)
                {
                    connection.Transport.Output.Write<byte>([i, i]);
                    connection.Transport.Output.FlushAsync().IsCompleted.ShouldBeTrue();
                }
            });

            await over.WrittenAsync(2 * Flushes);
            over.Records.SelectMany(r => r).ShouldBe(Enumerable.Range(0, Flushes).SelectMany(i => (byte[])[(byte)i, (byte)i]));
            gathered += over.Records.Count == 1 ? 1 : 0;
        }

        gathered.ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Write_MoreThanARecordHolds_IsCut(bool gathers)
    {
        var over = Over();
        var connection = Connect(gathers);
        connection.Start(over);
        var bytes = Bytes.Random(60_000);
        foreach (var part in bytes.Chunk(1_000))
        {
            connection.Transport.Output.Write(part);
        }

        await connection.Transport.Output.FlushAsync();
        await over.WrittenAsync(bytes.Length);
        over.Records.SelectMany(r => r).ShouldBe(bytes);
        over.Records.Select(r => r.Length).ShouldBe([16_384, 16_384, 16_384, 60_000 - (3 * 16_384)]);
    }

    [Fact]
    public async Task Write_Fails_ClosesAll()
    {
        var over = Over(new IOException("full"));
        var connection = Connect(gathers: false);
        connection.Start(over);
        await connection.Transport.Output.WriteAsync("x"u8.ToArray());

        (await Peer.ReceiveAsync(_buffer)).ShouldBe(0);
        (await connection.Transport.Output.WriteAsync("x"u8.ToArray()).AsTask().WaitAsync(Patience)).IsCompleted.ShouldBeTrue();
        over.End();
        (await Should.ThrowAsync<ConnectionAbortedException>(() => connection.Transport.Input.ReadAsync().AsTask().WaitAsync(Patience))).Message.ShouldBe("full");
        await _closed.Task.WaitAsync(Patience);
    }

    /// <summary>Ended with the test.</summary>
    private TcpConnection Connect(bool gathers = false)
    {
        _connection = new TcpConnection(_ends.Server, "test", gathers, MemoryPool<byte>.Shared);
        _connection.ConnectionClosed.Register(_closed.SetResult);
        return _connection;
    }

    private RecordingStream Over(Exception? failure = null) => _over = new RecordingStream { Failure = failure };

    private static async Task<byte[]> ReadAsync(ConnectionContext connection, int count)
    {
        var bytes = new ArrayBufferWriter<byte>(count);
        while (bytes.WrittenCount < count)
        {
            var read = await connection.Transport.Input.ReadAsync().AsTask().WaitAsync(Patience);
            read.Buffer.IsEmpty.ShouldBeFalse("the end came early");
            foreach (var part in read.Buffer)
            {
                bytes.Write(part.Span);
            }

            connection.Transport.Input.AdvanceTo(read.Buffer.End);
        }

        return bytes.WrittenSpan.ToArray();
    }

    private static long Unread(ConnectionContext connection)
    {
        if (!connection.Transport.Input.TryRead(out var read))
        {
            return 0;
        }

        connection.Transport.Input.AdvanceTo(read.Buffer.Start);
        return read.Buffer.Length;
    }

    /// <summary>Until it is as much, and has then stayed the same for 20 looks.</summary>
    private static async Task RestAsync(Func<int> count, int atLeast)
    {
        var (last, looks) = (-1, 0);
        await Eventually.TrueAsync(
            () =>
            {
                var now = count();
                looks = now == last && now >= atLeast ? looks + 1 : 0;
                last = now;
                return looks == 20;
            },
            "it rests",
            Patience);
    }

    /// <summary>Keeps what is written, in the pieces in which it was; reads nothing until it ends.</summary>
    private sealed class RecordingStream : DuplexStream
    {
        private readonly TaskCompletionSource _end = new();

        public ConcurrentQueue<byte[]> Records { get; } = new();

        /// <summary>Once for each record.</summary>
        public SemaphoreSlim Written { get; } = new(0);

        public int Thread { get; private set; }

        public Exception? Failure { get; init; }

        public void End() => _end.TrySetResult();

        /// <summary>Until so many bytes are there.</summary>
        public async Task WrittenAsync(int count)
        {
            while (Records.Sum(record => record.Length) < count)
            {
                (await Written.WaitAsync(Patience)).ShouldBeTrue($"{Records.Sum(record => record.Length)} of {count} bytes");
            }
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _end.Task;
            return 0;
        }

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Failure is not null)
            {
                return ValueTask.FromException(Failure);
            }

            Thread = Environment.CurrentManagedThreadId;
            Records.Enqueue(buffer.ToArray());
            Written.Release();
            return ValueTask.CompletedTask;
        }
    }
}
