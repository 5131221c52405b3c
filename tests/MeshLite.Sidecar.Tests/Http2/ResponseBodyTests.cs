using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>A response's body comes as it is read (RFC 9113 §5.2, §6.9).</summary>
public sealed class ResponseBodyTests
{
    private const int Piece = Http2FrameHeader.MaxLength;

    [Fact]
    public async Task Credit_ComesWithReading()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = await (await peer.GetBegunAsync(1)).Content.ReadAsStreamAsync();
        var buffer = new byte[Piece];
        const int Pieces = Http2Limits.ConnectionWindow / 4 / Piece;
        int stream = 0, connection = 0;
        for (var i = 0; i < Pieces; i++)
        {
            await peer.SendAsync(Frame.Data(1, false, WrittenContent.Bytes(i, Piece)));
            await body.ReadExactlyAsync(buffer);
            buffer.ShouldBe(WrittenContent.Bytes(i, Piece));
            foreach (var frame in await peer.SyncAsync())
            {
                frame.Type.ShouldBe(Http2FrameType.WindowUpdate);
                _ = frame.Stream == 0 ? connection += frame.Number : stream += frame.Number;
            }

            (Http2Limits.StreamWindow - ((i + 1) * Piece) + stream).ShouldBeGreaterThanOrEqualTo(Http2Limits.StreamWindow / 2);
        }

        stream.ShouldBe(Pieces * Piece);
        connection.ShouldBe(Pieces * Piece);
    }

    [Fact]
    public async Task Credit_DoesNotCome_WithoutReading()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = await peer.GetBegunAsync(1);
        await peer.SendAsync([.. Enumerable.Repeat(Frame.Data(1, false, new byte[Piece]), Http2Limits.StreamWindow / Piece)]);
        (await peer.SyncAsync()).ShouldBeEmpty();

        await peer.SendAsync(Frame.Data(1, false, 1));
        (await peer.ReadAsync(Http2FrameType.RstStream)).Stream.ShouldBe(1);
        var body = await response.Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[Http2Limits.StreamWindow]);
        (await ScriptedPeer.FailureAsync(body.ReadAsync(new byte[1]).AsTask())).Message.ShouldContain("beyond its window");
    }

    /// <summary>RFC 9113 §6.9.1: who keeps within each stream's window may still go beyond the connection's.</summary>
    [Fact]
    public async Task Data_BeyondTheConnectionsWindow_EndsIt()
    {
        const int Full = Http2Limits.ConnectionWindow / Http2Limits.StreamWindow;
        using var peer = await ScriptedPeer.ConnectAsync();
        var responses = Enumerable.Range(0, Full + 1).Select(_ => peer.Get()).ToList();
        var data = new byte[Http2FrameHeader.MaxLength];
        for (var i = 0; i <= Full; i++)
        {
            var (head, _) = await peer.ReadHeadAsync();
            await peer.SendAsync(Frame.Ok(head.Stream));
            for (var sent = 0; i < Full && sent < Http2Limits.StreamWindow; sent += data.Length)
            {
                await peer.SendAsync(Frame.Data(head.Stream, false, data));
            }
        }

        await Task.WhenAll(responses).WaitAsync(ScriptedPeer.Patience);
        (await peer.SyncAsync()).ShouldBeEmpty();
        peer.Unusable.ShouldBe(0);
        await peer.SendAsync(Frame.Data(1 + (2 * Full), false, "x"u8));

        (await peer.EndAsync()).ShouldBe(Http2Error.FlowControlError);
        peer.Unusable.ShouldBe(1);
    }

    /// <summary>RFC 9113 §6.1: padding counts for both windows. Of a response that is all padding, too, more may come.</summary>
    [Fact]
    public async Task Padding_IsCredited()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        await peer.GetBegunAsync(1);
        var padded = Frame.Of(Http2FrameType.Data, 8, 1, [255, .. new byte[255]]);
        var credit = 0;
        for (var i = 0; i < 4; i++)
        {
            await peer.SendAsync([.. Enumerable.Repeat(padded, 512)]);
            credit += (await peer.SyncAsync()).Where(f => f.Stream == 1).Sum(f => f.Number);
        }

        credit.ShouldBe(4 * 512 * 256);
    }

    /// <summary>Bytes nobody will read must not use up the window of the others.</summary>
    [Fact]
    public async Task Dispose_CreditsWhatWasNotRead()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var credit = 0;
        const int Each = 15 * Piece;
        for (var i = 0; i < 18; i++)
        {
            var response = await peer.GetBegunAsync(1 + (2 * i));
            await peer.SendAsync([.. Enumerable.Repeat(Frame.Data(1 + (2 * i), false, new byte[Piece]), 14)]);
            (await peer.SyncAsync()).ShouldBeEmpty();
            response.Dispose();
            await peer.SendAsync(Frame.Data(1 + (2 * i), false, new byte[Piece])); // was on its way
            var frames = await peer.SyncAsync();
            frames.Where(f => f.Type == Http2FrameType.RstStream).ShouldHaveSingleItem().Number.ShouldBe((int)Http2Error.Cancel);
            credit += frames.Where(f => f.Type == Http2FrameType.WindowUpdate).Sum(f => f.Number);
        }

        credit.ShouldBeGreaterThan((18 * Each) - (Http2Limits.ConnectionWindow / 4));
        credit.ShouldBeLessThanOrEqualTo(18 * Each);
    }

    [Fact]
    public async Task Reader_WhoWaits_GetsBytesAsTheyCome()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = await (await peer.GetBegunAsync(1)).Content.ReadAsStreamAsync();
        var buffer = new byte[3];
        var read = body.ReadAsync(buffer);
        read.IsCompleted.ShouldBeFalse();
        await peer.SendAsync(Frame.Data(1, false, "abcde"u8));
        (await read).ShouldBe(3);
        buffer.ShouldBe("abc"u8.ToArray());
        (await body.ReadAsync(buffer)).ShouldBe(2);
        buffer.ShouldBe("dec"u8.ToArray());

        read = body.ReadAsync(buffer);
        await peer.SendAsync(Frame.Data(1, true));
        (await read).ShouldBe(0);
        (await body.ReadAsync(buffer)).ShouldBe(0);
    }

    [Fact]
    public async Task ZeroByteRead_WaitsForBytesAndTakesNone()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = await (await peer.GetBegunAsync(1)).Content.ReadAsStreamAsync();
        var read = body.ReadAsync(Memory<byte>.Empty);
        read.IsCompleted.ShouldBeFalse();
        await peer.SendAsync(Frame.Data(1, false, "ab"u8));
        (await read).ShouldBe(0);
        (await body.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);
        (await body.ReadAsync(new byte[5])).ShouldBe(2);
    }

    [Fact]
    public async Task CancelledRead_LosesNothing()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = await (await peer.GetBegunAsync(1)).Content.ReadAsStreamAsync();
        using var cancellation = new CancellationTokenSource();
        var buffer = new byte[5];
        var read = body.ReadAsync(buffer, cancellation.Token);
        await cancellation.CancelAsync();
        (await ScriptedPeer.FailureAsync(read.AsTask())).ShouldBeOfType<OperationCanceledException>().CancellationToken.ShouldBe(cancellation.Token);
        (await ScriptedPeer.FailureAsync(body.ReadAsync(buffer, cancellation.Token).AsTask())).ShouldBeOfType<OperationCanceledException>();
        await peer.SendAsync(Frame.Data(1, false, "abc"u8));
        (await peer.SyncAsync()).ShouldBeEmpty();
        buffer.ShouldBe(new byte[5], "the buffer of a read that is over is not written to");
        (await body.ReadAsync(buffer)).ShouldBe(3);
    }

    /// <summary>A token that is cancelled as bytes come: the read brings them, or they are there for the next.</summary>
    [Fact]
    public async Task CancelledRead_AsBytesCome_LosesNothing()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = await (await peer.GetBegunAsync(1)).Content.ReadAsStreamAsync();
        var buffer = new byte[1];
        for (var i = 0; i < 500; i++)
        {
            using var cancellation = new CancellationTokenSource();
            var read = body.ReadAsync(buffer, cancellation.Token).AsTask();
            var sent = peer.SendAsync(Frame.Data(1, false, (byte)i));
            for (var spin = i % 50 * 20; spin > 0; spin--)
            {
                Thread.SpinWait(10);
            }

            await cancellation.CancelAsync();
            await sent;
            try
            {
                await read;
            }
            catch (OperationCanceledException)
            {
                (await body.ReadAsync(buffer).AsTask().WaitAsync(ScriptedPeer.Patience)).ShouldBe(1);
            }

            buffer[0].ShouldBe((byte)i);
        }
    }

    [Fact]
    public async Task SecondReader_IsRefused()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = await (await peer.GetBegunAsync(1)).Content.ReadAsStreamAsync();
        var first = body.ReadAsync(new byte[1]);
        Should.Throw<InvalidOperationException>(() => _ = body.ReadAsync(new byte[1]));
        await peer.SendAsync(Frame.Data(1, true, "a"u8));
        (await first).ShouldBe(1);
    }

    [Fact]
    public async Task Dispose_WhileRead_EndsTheRead()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = await peer.GetBegunAsync(1);
        var read = (await response.Content.ReadAsStreamAsync()).ReadAsync(new byte[1]).AsTask();
        response.Dispose();
        (await ScriptedPeer.FailureAsync(read)).ShouldBeOfType<IOException>();
        ((Http2Error)(await peer.ReadAsync(Http2FrameType.RstStream)).Number).ShouldBe(Http2Error.Cancel);
        response.Dispose();
        (await peer.SyncAsync()).ShouldBeEmpty();
    }
}
