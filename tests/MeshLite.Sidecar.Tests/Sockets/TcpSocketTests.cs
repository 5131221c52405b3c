using System.Buffers;
using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Sockets;

/// <summary>Over loopback.</summary>
public sealed class TcpSocketTests
{
    private static readonly TimeSpan Patience = Ends.Patience;
    private readonly byte[] _buffer = new byte[64];

    [Fact]
    public async Task Receive_NothingThere_SaysSo_AndWaits()
    {
        using var ends = await Ends.CreateAsync();

        ends.Server.TryReceive(_buffer, out var count).ShouldBeFalse();
        count.ShouldBe(0);
        _ = ends.Server.RestingAsync();
        ends.Client.TryReceive(_buffer, out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Receive_GivesWhatCame_OnceEach()
    {
        using var ends = await Ends.CreateAsync();
        for (byte i = 0; i < 100; i++)
        {
            await ends.Client.SendAsync([i, (byte)(i + 1), (byte)(i + 2)]);
            (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(3);
            _buffer[..3].ShouldBe([i, (byte)(i + 1), (byte)(i + 2)]);
            ends.Server.TryReceive(_buffer, out _).ShouldBeFalse();
            await ends.Server.SendAsync([i]);
            (await ends.Client.ReceiveAsync(_buffer)).ShouldBe(1);
            _buffer[0].ShouldBe(i);
        }
    }

    /// <summary>All the buffer was filled: there may be more, of which nothing is told again.</summary>
    [Fact]
    public async Task Receive_BufferFull_GoesOn()
    {
        using var ends = await Ends.CreateAsync();
        var bytes = Bytes.Random(1_000);
        await ends.Client.SendAsync(bytes);

        (await ends.Server.ReceiveExactlyAsync(bytes.Length, most: 10)).ShouldBe(bytes);
        ends.Server.TryReceive(_buffer, out _).ShouldBeFalse();
        await ends.Client.SendAsync("x"u8.ToArray());
        (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(1);
    }

    /// <summary>The next comes while the last is taken: whatever the order, it is told.</summary>
    [Fact]
    public async Task Receive_MoreComesMeanwhile_IsTold()
    {
        using var ends = await Ends.CreateAsync();
        const int Count = 30_000;
        var sending = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await ends.Client.SendAsync([(byte)i]);
            }
        });

        var bytes = await Task.Run(() => ends.Server.ReceiveExactlyAsync(Count, most: 16)).WaitAsync(Patience);
        bytes.ShouldBe([.. Enumerable.Range(0, Count).Select(i => (byte)i)]);
        await sending;
    }

    /// <summary>Both are told by one word, and the data does not fill the buffer: nothing more will be told.</summary>
    [Fact]
    public async Task Receive_EndCameWithTheLastBytes_IsSeenAfterThem()
    {
        using var listener = Ends.Listen();
        for (var i = 0; i < 50; i++)
        {
            using var ends = await Ends.CreateAsync(listener);
            ends.Server.TryReceive(_buffer, out _).ShouldBeFalse();
            await ends.Client.SendAsync("last"u8.ToArray());
            ends.Client.Shutdown(SocketShutdown.Send);
            if (i % 2 == 0)
            {
                await ends.Server.EndedByPeerAsync();
            }

            (await ends.Server.ReceiveExactlyAsync(4)).ShouldBe("last"u8.ToArray());
            (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(0);
            (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(0, "it stays so");
        }
    }

    /// <summary>A receive stops before urgent data, short of what is there, of which nothing is told again. The urgent byte itself is not received.</summary>
    [Fact]
    public async Task Receive_UrgentDataCame_WhatFollowsIsReceivedToo()
    {
        using var ends = await Ends.CreateAsync();
        ends.Client.Socket.Blocking = false; // .NET does not know that it does not
        ends.Server.TryReceive(_buffer, out _).ShouldBeFalse();
        for (var i = 0; i < 20; i++)
        {
            await ends.Client.SendAsync("ab"u8.ToArray());
            ends.Client.Socket.Send("!"u8, SocketFlags.OutOfBand).ShouldBe(1);
            await ends.Client.SendAsync("def"u8.ToArray());

            (await ends.Server.ReceiveExactlyAsync(5)).ShouldBe("abdef"u8.ToArray());
        }
    }

    [Fact]
    public async Task Receive_PeerHasEnded_OnlyTheWayBackIsOpen()
    {
        using var ends = await Ends.CreateAsync();
        ends.Client.Shutdown(SocketShutdown.Send);
        (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(0);

        await ends.Server.SendAsync("late"u8.ToArray());
        (await ends.Client.ReceiveExactlyAsync(4)).ShouldBe("late"u8.ToArray());
    }

    [Fact]
    public async Task Receive_PeerHasReset_Fails_EachTime()
    {
        using var ends = await Ends.CreateAsync();
        var receiving = ends.Server.ReceiveAsync(_buffer);
        receiving.IsCompleted.ShouldBeFalse();
        ends.Client.Reset();

        (await Should.ThrowAsync<SocketException>(() => receiving)).SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
        ends.Server.WaitToReceiveAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue("it has failed: nothing is to be waited for");
        ends.Server.TryReceive(_buffer, out var count).ShouldBeTrue();
        count.ShouldBe(0); // the kernel tells a failure once, then the end
    }

    [Fact]
    public async Task Send_PeerHasReset_Fails_EachTime()
    {
        using var ends = (await Ends.CreateAsync()).Narrow();
        ends.Server.Fill(new byte[4096]);
        var waiting = ends.Server.WaitToSendAsync(CancellationToken.None).AsTask();
        ends.Client.Reset();
        await waiting.WaitAsync(Patience);

        for (var i = 0; i < 3; i++)
        {
            await ends.Server.WaitToSendAsync(CancellationToken.None).AsTask().WaitAsync(Patience);
            Should.Throw<SocketException>(() => ends.Server.Fill(_buffer)).SocketErrorCode.ShouldBeOneOf(SocketError.ConnectionReset, SocketError.Shutdown);
        }
    }

    [Fact]
    public async Task Peek_LeavesWhatIsThere()
    {
        using var ends = await Ends.CreateAsync();
        ends.Server.TryPeek(_buffer, out _).ShouldBeFalse();
        await ends.Client.SendAsync("hello"u8.ToArray());
        while (!ends.Server.TryPeek(_buffer, out _))
        {
            await ends.Server.WaitToReceiveAsync(CancellationToken.None).AsTask().WaitAsync(Patience);
        }

        for (var i = 0; i < 3; i++)
        {
            ends.Server.TryPeek(_buffer, out var seen).ShouldBeTrue();
            seen.ShouldBe(5);
            _buffer[..5].ShouldBe("hello"u8.ToArray());
        }

        ends.Server.TryReceive(_buffer, out var count).ShouldBeTrue();
        count.ShouldBe(5);
        ends.Server.TryPeek(_buffer, out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Send_NoRoom_SaysSo_AndGoesOnOnceThePeerHasRead()
    {
        using var ends = (await Ends.CreateAsync()).Narrow();
        var bytes = Bytes.Random(4096);
        var sent = 0;
        Task waiting;
        do
        {
            // What is on its way in the kernel may make room once more.
            sent += Full(ends.Client, bytes, sent);
            waiting = ends.Client.WaitToSendAsync(CancellationToken.None).AsTask();
        }
        while (waiting.IsCompleted);

        var received = await ends.Server.ReceiveExactlyAsync(sent);
        received.Where((b, i) => b != bytes[i % bytes.Length]).ShouldBeEmpty();
        await waiting.WaitAsync(Patience);
        ends.Client.TrySend(new ReadOnlySequence<byte>(bytes), out var count).ShouldBeTrue();
        count.ShouldBeGreaterThan(0);

        // The first bytes go on where the last ended.
        static int Full(TcpSocket socket, byte[] bytes, int before)
        {
            var sent = 0;
            while (socket.TrySend(new ReadOnlySequence<byte>(bytes.AsMemory((before + sent) % bytes.Length)), out var count))
            {
                sent += count;
            }

            return sent;
        }
    }

    [Fact]
    public async Task Send_MuchMoreThanThereIsRoomFor_ComesWhole()
    {
        using var ends = (await Ends.CreateAsync()).Narrow();
        var bytes = Bytes.Random(2_000_000);

        var sending = ends.Client.SendAsync(Bytes.Cut(bytes, 700_000, 1, 600_000));
        (await ends.Server.ReceiveExactlyAsync(bytes.Length).WaitAsync(Patience)).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        await sending.WaitAsync(Patience);
    }

    /// <summary>More than one call takes.</summary>
    [Theory]
    [InlineData(2, 0)]
    [InlineData(16, 0)]
    [InlineData(17, 0)]
    [InlineData(50, 0)]
    [InlineData(50, 3)]
    [InlineData(60, 2)]
    public async Task Send_ManyBuffers_SomeOfThemEmpty_ComesWhole(int buffers, int everyNthEmpty)
    {
        using var ends = await Ends.CreateAsync();
        int[] sizes = [.. Enumerable.Range(0, buffers - 1).Select(i => everyNthEmpty > 0 && i % everyNthEmpty == 0 ? 0 : i + 1)];
        var bytes = Bytes.Random(sizes.Sum() + 5);

        await Task.Run(() => ends.Client.SendAsync(Bytes.Cut(bytes, sizes))).WaitAsync(Patience);
        (await ends.Server.ReceiveExactlyAsync(bytes.Length)).ShouldBe(bytes);
    }

    [Fact]
    public async Task Send_ManyBuffers_SixteenGoByOneCall()
    {
        using var ends = await Ends.CreateAsync();

        ends.Client.TrySend(Bytes.Cut(new byte[40], Enumerable.Repeat(2, 19)), out var count).ShouldBeTrue();
        count.ShouldBe(2 * 16);
    }

    /// <summary>As many empty buffers as one call takes are not "nothing was sent", of which there would be no end.</summary>
    [Fact]
    public async Task Send_EmptyBuffersFirst_SendsWhatFollows()
    {
        using var ends = await Ends.CreateAsync();
        var buffers = Bytes.Cut("hello"u8.ToArray(), Enumerable.Repeat(0, 40));

        ends.Client.TrySend(buffers, out var count).ShouldBeTrue();
        count.ShouldBe(5);
        (await ends.Server.ReceiveExactlyAsync(5)).ShouldBe("hello"u8.ToArray());
    }

    [Fact]
    public async Task Send_Nothing_IsDone()
    {
        using var ends = await Ends.CreateAsync();

        ends.Client.TrySend(ReadOnlySequence<byte>.Empty, out var count).ShouldBeTrue();
        count.ShouldBe(0);
        ends.Client.TrySend(Bytes.Cut([], 0, 0), out count).ShouldBeTrue();
        count.ShouldBe(0);
        await ends.Client.SendAsync("x"u8.ToArray());
        (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Closed_WhoWaitsGoesOn_AndIsTold(bool reset)
    {
        using var ends = (await Ends.CreateAsync()).Narrow();
        ends.Client.Fill(new byte[4096]);
        var receiving = ends.Client.RestingAsync();
        var sending = ends.Client.WaitToSendAsync(CancellationToken.None).AsTask();
        if (reset)
        {
            ends.Client.Reset();
        }
        else
        {
            ends.Client.Dispose();
        }

        await receiving.WaitAsync(Patience);
        await sending.WaitAsync(Patience);
        for (var i = 0; i < 2; i++)
        {
            Should.Throw<ObjectDisposedException>(() => ends.Client.TryReceive(_buffer, out _));
            Should.Throw<ObjectDisposedException>(() => ends.Client.TryPeek(_buffer, out _));
            Should.Throw<ObjectDisposedException>(() => ends.Client.TrySend(new ReadOnlySequence<byte>(_buffer), out _));
            ends.Client.WaitToReceiveAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
            ends.Client.WaitToSendAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
        }

        ends.Client.LocalEndPoint.ShouldBeNull();
        ends.Client.RemoteEndPoint.ShouldBeNull();
        ends.Client.Shutdown(SocketShutdown.Both);
        ends.Client.Reset();
        ends.Client.Dispose();
    }

    [Fact]
    public async Task WaitToReceive_Cancelled_TheNextIsToldAsIfNothingHadBeen()
    {
        using var ends = await Ends.CreateAsync();
        using var cancellation = new CancellationTokenSource();
        var waiting = ends.Server.RestingAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => waiting.WaitAsync(Patience));

        await ends.Client.SendAsync("x"u8.ToArray());
        (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(1);
    }

    [Fact]
    public async Task Reset_PeerIsTold()
    {
        using var ends = await Ends.CreateAsync();
        await ends.Client.SendAsync("half"u8.ToArray());
        (await ends.Server.ReceiveExactlyAsync(4)).ShouldBe("half"u8.ToArray());
        ends.Client.Reset();

        (await Should.ThrowAsync<SocketException>(() => ends.Server.ReceiveAsync(_buffer))).SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
    }

    /// <summary>FIN, no RST: that would drop what the peer has not read yet.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Dispose_PeerReadsAllThatWasSentBefore_ThenTheEnd(bool shutDownFirst)
    {
        using var listener = Ends.Listen();
        for (var i = 0; i < 20; i++)
        {
            using var ends = await Ends.CreateAsync(listener);
            var bytes = Bytes.Random(100_000, seed: i);
            ends.Client.TrySend(new ReadOnlySequence<byte>(bytes), out var sent).ShouldBeTrue();
            if (shutDownFirst)
            {
                ends.Client.Shutdown(SocketShutdown.Both);
            }

            ends.Client.Dispose();
            (await ends.Server.ReceiveExactlyAsync(sent)).AsSpan().SequenceEqual(bytes.AsSpan(0, sent)).ShouldBeTrue();
            (await ends.Server.ReceiveAsync(_buffer)).ShouldBe(0);
            ends.Server.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error).ShouldBe(0, "no RST");
        }
    }

    /// <summary>The kernel gives a descriptor's number to the next at once: what is told of the one must not count for, or be missed by, the other.</summary>
    [Fact]
    public async Task Closed_ItsNumberIsGivenToAnother_EachGetsItsOwn()
    {
        using var listeners = new Listeners(4);
        await Task.WhenAll(Enumerable.Range(0, listeners.Count).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            for (var i = 0; i < 300; i++)
            {
                using var ends = await Ends.CreateAsync(listeners[worker]);
                for (var messages = random.Next(3); messages > 0; messages--)
                {
                    var bytes = Bytes.Random(random.Next(1, 100), random.Next());
                    var receiving = ends.Server.ReceiveExactlyAsync(bytes.Length);
                    await ends.Client.SendAsync(bytes);
                    (await receiving).ShouldBe(bytes);
                    await ends.Server.SendAsync(bytes);
                    (await ends.Client.ReceiveExactlyAsync(bytes.Length)).ShouldBe(bytes);
                }

                // At rest, and then closed by either, with somebody waiting.
                var (closing, other) = random.Next(2) == 0 ? (ends.Client, ends.Server) : (ends.Server, ends.Client);
                other.TryReceive(new byte[1], out _).ShouldBeFalse("nobody else's bytes or end");
                var end = other.ReceiveAsync(new byte[1]);
                if (random.Next(2) == 0)
                {
                    closing.Reset();
                    (await Should.ThrowAsync<SocketException>(() => end)).SocketErrorCode.ShouldBe(SocketError.ConnectionReset);
                }
                else
                {
                    closing.Dispose();
                    (await end).ShouldBe(0);
                }
            }
        }))).WaitAsync(Patience);
    }

    private sealed class Listeners(int count) : IDisposable
    {
        private readonly Socket[] _all = [.. Enumerable.Range(0, count).Select(_ => Ends.Listen())];

        public int Count => count;

        public Socket this[int i] => _all[i];

        public void Dispose() => Array.ForEach(_all, listener => listener.Dispose());
    }
}
