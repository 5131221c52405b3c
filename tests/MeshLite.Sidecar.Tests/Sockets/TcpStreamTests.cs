using System.Buffers;
using System.Net.Security;
using System.Net.Sockets;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Sockets;
using MeshLite.Sidecar.Tests.Http2.Hpack;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Sockets;

public sealed class TcpStreamTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = Ends.Patience;
    private readonly byte[] _buffer = new byte[64];
    private Ends _ends = null!;
    private TcpStream _stream = null!;

    public async ValueTask InitializeAsync()
    {
        _ends = await Ends.CreateAsync();
        _stream = new TcpStream(_ends.Server);
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        _ends.Dispose();
    }

    [Fact]
    public async Task Read_OfNothing_WaitsForBytes_AndLeavesThem()
    {
        var waiting = _stream.ReadAsync(Memory<byte>.Empty).AsTask();
        await _ends.Client.SendAsync("hello"u8.ToArray());
        (await waiting.WaitAsync(Patience)).ShouldBe(0);

        (await _stream.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);
        _stream.HasEnded.ShouldBeFalse();
        (await ReadAsync()).ShouldBe("hello"u8.ToArray());
    }

    [Fact]
    public async Task Read_OfNothing_NothingThere_Waits()
    {
        var waiting = (Task<int>)Trying.Resting(() =>
        {
            _stream.TryRead(_buffer, out _).ShouldBeFalse();
            return _stream.ReadAsync(Memory<byte>.Empty).AsTask();
        });
        _ends.Client.Shutdown(SocketShutdown.Send);
        (await waiting.WaitAsync(Patience)).ShouldBe(0);
        _stream.HasEnded.ShouldBeFalse("nobody has read the end");
    }

    [Fact]
    public async Task Read_Cancelled_LosesNothing()
    {
        for (var i = 0; i < 3; i++)
        {
            using var cancellation = new CancellationTokenSource();
            var reading = _stream.ReadAsync(_buffer, cancellation.Token).AsTask();
            reading.IsCompleted.ShouldBeFalse();
            await cancellation.CancelAsync();
            (await Should.ThrowAsync<OperationCanceledException>(() => reading.WaitAsync(Patience))).CancellationToken.ShouldBe(cancellation.Token);

            await _ends.Client.SendAsync("hello"u8.ToArray());
            (await ReadAsync()).ShouldBe("hello"u8.ToArray());
        }
    }

    [Fact]
    public async Task Read_CancelledAlready_NothingThere_IsCancelled()
    {
        _stream.TryRead(_buffer, out _).ShouldBeFalse();

        await Should.ThrowAsync<OperationCanceledException>(() => _stream.ReadAsync(_buffer, new CancellationToken(canceled: true)).AsTask());
        await _ends.Client.SendAsync("hello"u8.ToArray());
        (await ReadAsync()).ShouldBe("hello"u8.ToArray());
    }

    /// <summary>Bytes come as the read is given up: it has them, or the next has.</summary>
    [Fact]
    public async Task Read_CancelledAsBytesCome_LosesNothing()
    {
        const int Rounds = 3_000;
        using var begun = new SemaphoreSlim(0);
        using var done = new SemaphoreSlim(0);
        CancellationTokenSource? reading = null;
        var peer = Task.Run(async () =>
        {
            var random = new Random(1);
            for (var i = 0; i < Rounds; i++)
            {
                (await begun.WaitAsync(Patience)).ShouldBeTrue();
                switch (i % 3)
                {
                    case 0: // bytes alone
                        break;
                    case 1: // given up, then bytes; which may be there before the read begins, and are read then
                        Volatile.Read(ref reading)!.Cancel();
                        break;
                    default: // whatever is first
                        var cancelling = Task.Run(() => Volatile.Read(ref reading)!.Cancel());
                        Thread.SpinWait(random.Next(2_000));
                        await _ends.Client.SendAsync([(byte)i]);
                        await cancelling;
                        break;
                }

                if (i % 3 < 2)
                {
                    await _ends.Client.SendAsync([(byte)i]);
                }

                done.Release();
            }
        });

        var cancelled = 0;
        for (var i = 0; i < Rounds; i++)
        {
            using var cancellation = new CancellationTokenSource();
            Volatile.Write(ref reading, cancellation);
            begun.Release();
            int count;
            try
            {
                count = await _stream.ReadAsync(_buffer, cancellation.Token).AsTask().WaitAsync(Patience);
            }
            catch (OperationCanceledException)
            {
                cancelled++;
                count = await _stream.ReadAsync(_buffer).AsTask().WaitAsync(Patience);
            }

            count.ShouldBe(1);
            _buffer[0].ShouldBe((byte)i);
            (await done.WaitAsync(Patience)).ShouldBeTrue();
        }

        await peer.WaitAsync(Patience);
        cancelled.ShouldBeInRange(1, Rounds * 2 / 3);
    }

    [Fact]
    public async Task Write_CancelledForLackOfRoom_StopsThere_AndTheNextGoesOn()
    {
        _ends.Narrow();
        using var cancellation = new CancellationTokenSource();
        var before = _ends.Server.Fill(new byte[4096]);
        const int Attempted = 8_000_000; // more than can fit, whatever has left meanwhile
        var writing = _stream.WriteAsync(new byte[Attempted], cancellation.Token).AsTask();
        writing.IsCompleted.ShouldBeFalse();
        await cancellation.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(() => writing.WaitAsync(Patience))).CancellationToken.ShouldBe(cancellation.Token);

        var marker = _stream.WriteAsync("x"u8.ToArray()).AsTask();
        var (zeros, at) = (0, -1);
        for (var buffer = new byte[64 * 1024]; at < 0;)
        {
            var count = await _ends.Client.ReceiveAsync(buffer);
            count.ShouldBeGreaterThan(0);
            at = buffer.AsSpan(0, count).IndexOf((byte)'x');
            zeros += at < 0 ? count : at;
        }

        zeros.ShouldBeInRange(before, before + Attempted - 1);
        await marker.WaitAsync(Patience);
        _ends.Client.TryReceive(_buffer, out _).ShouldBeFalse("nothing of what was given up");
    }

    [Fact]
    public async Task Write_CancelledAlready_WritesNothing()
    {
        await Should.ThrowAsync<OperationCanceledException>(async () => await _stream.WriteAsync("no"u8.ToArray(), new CancellationToken(canceled: true)));
        await _stream.WriteAsync("yes"u8.ToArray());

        (await _ends.Client.ReceiveExactlyAsync(3)).ShouldBe("yes"u8.ToArray());
    }

    [Fact]
    public async Task Write_OfNothing_IsDone()
    {
        await _stream.WriteAsync(Memory<byte>.Empty).AsTask().WaitAsync(Patience);
        await _stream.WriteAsync(Bytes.Cut([], 0, 0)).AsTask().WaitAsync(Patience);
        await _stream.FlushAsync();

        _ends.Client.TryReceive(_buffer, out _).ShouldBeFalse();
    }

    [Fact]
    public async Task Write_EmptyBuffersAmongOthers_ComesWhole()
    {
        var bytes = Bytes.Random(100);

        var buffers = Bytes.Cut(bytes, [.. Enumerable.Repeat(0, 20), 30, .. Enumerable.Repeat(0, 40), 60, .. Enumerable.Repeat(0, 16)]);
        await Task.Run(() => _stream.WriteAsync(buffers).AsTask()).WaitAsync(Patience);
        (await _ends.Client.ReceiveExactlyAsync(bytes.Length)).ShouldBe(bytes);
    }

    [Fact]
    public async Task HasEnded_OnceTheEndWasRead_NotBefore()
    {
        await _ends.Client.SendAsync("last"u8.ToArray());
        _ends.Client.Shutdown(SocketShutdown.Send);
        await _ends.Server.EndedByPeerAsync();
        _stream.HasEnded.ShouldBeFalse();
        (await ReadAsync()).ShouldBe("last"u8.ToArray());
        _stream.HasEnded.ShouldBeFalse();

        (await ReadAsync()).ShouldBeEmpty();
        _stream.HasEnded.ShouldBeTrue();
        (await ReadAsync()).ShouldBeEmpty();
        _stream.HasEnded.ShouldBeTrue();
    }

    [Fact]
    public async Task Dispose_EndsAReadAndAWriteUnderWay()
    {
        _ends.Narrow();
        var reading = _stream.ReadAsync(_buffer).AsTask();
        var writing = _stream.WriteAsync(new byte[8_000_000]).AsTask();
        reading.IsCompleted.ShouldBeFalse();
        writing.IsCompleted.ShouldBeFalse();
        await _stream.DisposeAsync();

        await IsOverAsync(reading, andMayHaveEnded: true);
        await IsOverAsync(writing);
        await IsOverAsync(_stream.ReadAsync(_buffer).AsTask());
        await IsOverAsync(_stream.WriteAsync(_buffer).AsTask());

        // The reader of a socket that was shut down may be told so before it is closed.
        static async Task IsOverAsync(Task task, bool andMayHaveEnded = false)
        {
            var failure = await Record.ExceptionAsync(() => task.WaitAsync(Patience));
            (failure is ObjectDisposedException or IOException || (andMayHaveEnded && failure is null)).ShouldBeTrue($"{failure}");
        }
    }

    [Fact]
    public async Task Dispose_WritesWhatWasWritten_ThenTheEnd()
    {
        var bytes = Bytes.Random(50_000);
        await _stream.WriteAsync(bytes);
        await _stream.DisposeAsync();

        (await _ends.Client.ReceiveExactlyAsync(bytes.Length)).ShouldBe(bytes);
        (await _ends.Client.ReceiveAsync(_buffer)).ShouldBe(0);
        _ends.Client.Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error).ShouldBe(0, "no RST");
    }

    [Fact]
    public async Task Reset_FailsReadsAndWrites_WithTheCauseInside()
    {
        var reading = _stream.ReadAsync(_buffer).AsTask();
        reading.IsCompleted.ShouldBeFalse();
        _ends.Client.Reset();

        Cause(await Should.ThrowAsync<IOException>(() => reading.WaitAsync(Patience))).ShouldBe(SocketError.ConnectionReset);
        Cause(await Should.ThrowAsync<IOException>(async () => await _stream.WriteAsync(_buffer))).ShouldBe(SocketError.Shutdown);

        static SocketError Cause(IOException e) => e.InnerException.ShouldBeOfType<SocketException>().SocketErrorCode;
    }

    [Fact]
    public async Task Tls_OverBothEnds_CarriesAMegabyteEachWay()
    {
        var authority = new TestAuthority(TimeProvider.System);
        using var certificate = authority.Issue(new TestLeaf());
        await using var server = new SslStream(_stream);
        await using var client = new SslStream(new TcpStream(_ends.Client));
        await Task.WhenAll(
            server.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }),
            client.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "test", RemoteCertificateValidationCallback = (_, _, _, _) => true })).WaitAsync(Patience);
        var (there, back) = (Bytes.Random(1024 * 1024, seed: 1), Bytes.Random(1024 * 1024, seed: 2));

        var (came, cameBack) = (new byte[there.Length], new byte[back.Length]);
        await Task.WhenAll(
            client.WriteAsync(there).AsTask(),
            server.WriteAsync(back).AsTask(),
            server.ReadExactlyAsync(came).AsTask(),
            client.ReadExactlyAsync(cameBack).AsTask()).WaitAsync(Patience);
        came.AsSpan().SequenceEqual(there).ShouldBeTrue();
        cameBack.AsSpan().SequenceEqual(back).ShouldBeTrue();
        await client.ShutdownAsync();
        (await server.ReadAsync(_buffer).AsTask().WaitAsync(Patience)).ShouldBe(0);
    }

    /// <summary>Whatever is written and read in pieces of any size, both ways at once, comes whole and in order.</summary>
    [Fact]
    public void WritesAndReads_OfAnySizes_BothWays_ComeWhole() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        CarryAsync(new Random(seed)).WaitAsync(Patience).GetAwaiter().GetResult();

        static async Task CarryAsync(Random random)
        {
            using var ends = await Ends.CreateAsync();
            if (random.Next(2) == 0)
            {
                ends.Narrow();
            }

            await using var client = new TcpStream(ends.Client);
            await using var server = new TcpStream(ends.Server);
            await Task.WhenAll(OneWayAsync(client, server, random.Next(), random.Next()), OneWayAsync(server, client, random.Next(), random.Next()));
        }

        static async Task OneWayAsync(TcpStream from, TcpStream to, int writer, int reader)
        {
            var random = new Random(writer);
            var bytes = Bytes.Random(random.Next(600_000), random.Next());
            var writing = Task.Run(() => WriteAsync(from, bytes, random));
            var came = await Task.Run(() => ReadToEndAsync(to, new Random(reader)));
            await writing;
            came.AsSpan().SequenceEqual(bytes).ShouldBeTrue($"{came.Length} bytes of {bytes.Length}");
            to.HasEnded.ShouldBeTrue();
        }

        static async Task WriteAsync(TcpStream to, byte[] bytes, Random random)
        {
            for (var at = 0; at < bytes.Length;)
            {
                var part = bytes[at..(at + Math.Min(bytes.Length - at, random.Next(3) == 0 ? random.Next(200_000) : random.Next(2_000)))];
                if (random.Next(2) == 0)
                {
                    await to.WriteAsync(part);
                }
                else
                {
                    await to.WriteAsync(Bytes.Cut(part, Sizes(part.Length, random)));
                }

                at += part.Length;
            }

            to.Socket.Shutdown(SocketShutdown.Send);
        }

        static List<int> Sizes(int sum, Random random)
        {
            var sizes = new List<int>();
            for (var buffers = random.Next(1, 60); buffers > 0; buffers--)
            {
                var size = random.Next(4) == 0 ? 0 : random.Next(Math.Min(sum, 20_000) + 1);
                sizes.Add(size);
                sum -= size;
            }

            return sizes;
        }

        static async Task<byte[]> ReadToEndAsync(TcpStream from, Random random)
        {
            var all = new ArrayBufferWriter<byte>();
            while (true)
            {
                if (random.Next(4) == 0)
                {
                    (await from.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);
                }

                var count = await from.ReadAsync(all.GetMemory(100_000)[..random.Next(1, random.Next(2) == 0 ? 100_000 : 5_000)]);
                if (count == 0)
                {
                    return all.WrittenSpan.ToArray();
                }

                all.Advance(count);
            }
        }
    }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(40));

    private async Task<byte[]> ReadAsync() => _buffer[..await _stream.ReadAsync(_buffer).AsTask().WaitAsync(Patience)];
}
