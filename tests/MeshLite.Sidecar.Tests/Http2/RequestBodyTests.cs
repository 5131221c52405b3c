using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>A request's body goes as the peer's windows allow (RFC 9113 §5.2, §6.9).</summary>
public sealed class RequestBodyTests
{
    private const int Initial = 65_535;

    [Fact]
    public async Task Body_OfDeclaredLength_EndsWithItsLastBytes()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Post(WrittenContent.Of(20_000, isDeclared: true));
        var (frame, fields) = await peer.ReadHeadAsync();
        frame.Ends.ShouldBeFalse();
        fields.ShouldContain(("content-length", "20000"));
        var (bytes, last) = await peer.ReadDataAsync(20_000);
        bytes.ShouldBe(WrittenContent.Bytes(0, 20_000));
        last.Ends.ShouldBeTrue();
        last.Payload.Length.ShouldBe(20_000 - Http2FrameHeader.MaxLength);
        await peer.SendAsync(Frame.Ok(1, ends: true));
        (await response.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Body_OfUnknownLength_EndsWithAnEmptyFrame()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Post(WrittenContent.Of(1_000, isDeclared: false));
        await peer.ReadHeadAsync();
        (await peer.ReadAsync(Http2FrameType.Data)).ShouldSatisfyAllConditions(f => f.Payload.Length.ShouldBe(1_000), f => f.Ends.ShouldBeFalse());
        (await peer.ReadAsync(Http2FrameType.Data)).ShouldSatisfyAllConditions(f => f.Payload.ShouldBeEmpty(), f => f.Ends.ShouldBeTrue());
    }

    [Fact]
    public async Task Body_Empty_Ends()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Post(WrittenContent.Of(0, isDeclared: true));
        (await peer.ReadHeadAsync()).Fields.ShouldContain(("content-length", "0"));
        (await peer.ReadAsync(Http2FrameType.Data)).Ends.ShouldBeTrue();
    }

    [Fact]
    public async Task Body_WaitsForItsStreamsWindow()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Post(WrittenContent.Of(100_000, isDeclared: true));
        await peer.ReadHeadAsync();
        var (first, _) = await peer.ReadDataAsync(Initial);
        first.Length.ShouldBe(Initial);
        await peer.SendAsync(Frame.Window(0, 1_000_000));
        (await peer.SyncAsync()).ShouldBeEmpty();
        await peer.SendAsync(Frame.Window(1, 10));
        (await peer.ReadAsync(Http2FrameType.Data)).Payload.ShouldBe(WrittenContent.Bytes(Initial, 10));
        await peer.SendAsync(Frame.Window(1, 1_000_000));
        var (rest, last) = await peer.ReadDataAsync(100_000);
        rest.ShouldBe(WrittenContent.Bytes(Initial + 10, 100_000 - Initial - 10));
        last.Ends.ShouldBeTrue();
    }

    [Fact]
    public async Task Bodies_WaitForTheConnectionsWindow()
    {
        using var peer = await ScriptedPeer.ConnectAsync((Http2Setting.InitialWindowSize, 1_000_000));
        _ = peer.Post(WrittenContent.Of(Initial - 100, isDeclared: true));
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(Initial - 100);
        _ = peer.Post(WrittenContent.Of(300, isDeclared: true));
        await peer.ReadHeadAsync();
        (await peer.ReadAsync(Http2FrameType.Data)).Payload.Length.ShouldBe(100);
        _ = peer.Post(WrittenContent.Of(200, isDeclared: true));
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Window(3, 1), Frame.Window(5, 1));
        (await peer.SyncAsync()).ShouldBeEmpty();
        await peer.SendAsync(Frame.Window(0, 400));
        Frame[] both = [await peer.ReadAsync(Http2FrameType.Data), await peer.ReadAsync(Http2FrameType.Data)];
        both.ShouldAllBe(f => f.Ends && f.Payload.Length == 200);
        both.Select(f => f.Stream).Order().ShouldBe([3, 5]);
    }

    /// <summary>RFC 9113 §6.9.2: settings make the windows of streams that run smaller, below zero too, and larger.</summary>
    [Fact]
    public async Task Settings_ChangeTheWindowsOfStreams()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Post(WrittenContent.Of(100_000, isDeclared: true));
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(Initial);
        await peer.SendAsync(Frame.Window(0, 1_000_000), Frame.Settings((Http2Setting.InitialWindowSize, 1_000)), Frame.Window(1, Initial - 1_000));
        (await peer.SyncAsync()).ShouldHaveSingleItem().Type.ShouldBe(Http2FrameType.Settings);
        await peer.SendAsync(Frame.Window(1, 7));
        (await peer.ReadAsync(Http2FrameType.Data)).Payload.Length.ShouldBe(7);
        await peer.SendAsync(Frame.Settings((Http2Setting.InitialWindowSize, 1_020)));
        await peer.ReadAsync(Http2FrameType.Settings);
        (await peer.ReadAsync(Http2FrameType.Data)).Payload.Length.ShouldBe(20);

        _ = peer.Post(WrittenContent.Of(5_000, isDeclared: true));
        await peer.ReadHeadAsync();
        (await peer.ReadAsync(Http2FrameType.Data)).Payload.Length.ShouldBe(1_020, "a new stream begins with it");
    }

    /// <summary>What the peer does not read is not written, however wide its windows are.</summary>
    [Fact]
    public async Task Body_WaitsForTheOutput()
    {
        const int Length = 2_000_000;
        using var peer = await ScriptedPeer.ConnectAsync((Http2Setting.InitialWindowSize, 10_000_000));
        await peer.SendAsync(Frame.Window(0, 10_000_000));
        await peer.SyncAsync();
        peer.Transport.Hold();
        var written = 0;
        var bytes = WrittenContent.Bytes(0, Length);
        _ = peer.Post(new WrittenContent(
            async (to, cancellation) =>
            {
                for (; written < Length; written += 10_000)
                {
                    await to.WriteAsync(bytes.AsMemory(written, 10_000), cancellation);
                }
            },
            Length));
        written.ShouldBeLessThan(4 * Http2Limits.MaxPending, "as much as a write that is held took, and as much as waits behind it");

        peer.Transport.Release();
        await peer.ReadHeadAsync();
        var (all, last) = await peer.ReadDataAsync(Length);
        all.ShouldBe(bytes);
        last.Ends.ShouldBeTrue();
    }

    [Fact]
    public async Task Reset_EndsTheBody()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var cancelled = new TaskCompletionSource();
        var response = peer.Post(new WrittenContent(async (to, cancellation) =>
        {
            await to.WriteAsync(new byte[10], cancellation);
            using var told = cancellation.Register(cancelled.SetResult);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }));
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(10);
        await peer.SendAsync(Frame.Reset(1, Http2Error.Cancel));
        await cancelled.Task.WaitAsync(ScriptedPeer.Patience);
        await ScriptedPeer.FailureAsync(response);
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    /// <summary>Their code runs elsewhere, and what it throws is theirs: other streams go on.</summary>
    [Fact]
    public async Task Reset_WhoIsToldOfItThrows_OtherStreamsGoOn()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        using var told = new ManualResetEventSlim();
        var response = peer.Post(new WrittenContent(async (_, cancellation) =>
        {
            cancellation.Register(() =>
            {
                told.Wait(ScriptedPeer.Patience);
                throw new InvalidOperationException("whatever");
            });
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation);
        }));
        var other = peer.Get();
        await peer.SendAsync(Frame.Reset(1, Http2Error.Cancel), Frame.Ok(3, ends: true));
        (await other.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
        told.Set();
        await ScriptedPeer.FailureAsync(response);
        peer.Unusable.ShouldBe(0);
    }

    [Fact]
    public async Task Body_ThatBreaksOff_EndsItsRequest()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Post(new WrittenContent(async (to, _) =>
        {
            await to.WriteAsync(new byte[10]);
            throw new InvalidDataException("the caller went away");
        }));
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(10);
        ((Http2Error)(await peer.ReadAsync(Http2FrameType.RstStream)).Number).ShouldBe(Http2Error.Cancel);
        (await ScriptedPeer.FailureAsync(response)).ShouldBeOfType<InvalidDataException>();
    }

    /// <summary>RFC 9113 §8.1: a response may be whole before its request is.</summary>
    [Fact]
    public async Task Body_GoesOn_AfterAWholeResponseIsReadAndLeft()
    {
        using var peer = await ScriptedPeer.ConnectAsync((Http2Setting.InitialWindowSize, 1));
        for (var stream = 1; stream < 400; stream += 2)
        {
            var response = peer.Post(WrittenContent.Of(2, isDeclared: true));
            await peer.ReadHeadAsync();
            await peer.ReadDataAsync(1);
            await peer.SendAsync(Frame.Ok(stream));
            using (var head = await response.WaitAsync(ScriptedPeer.Patience))
            {
                var read = (await head.Content.ReadAsStreamAsync()).ReadAsync(new byte[1]);
                await peer.SendAsync(Frame.Data(stream, true));
                (await read).ShouldBe(0);
            }

            await peer.SendAsync(Frame.Window(stream, 1));
            (await peer.ReadAsync(Http2FrameType.Data)).Ends.ShouldBeTrue();
        }
    }
}
