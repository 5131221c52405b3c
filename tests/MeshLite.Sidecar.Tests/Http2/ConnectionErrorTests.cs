using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>RFC 9113 §5.4.1: what breaks the connection's rules ends it, and all that is on it.</summary>
public sealed class ConnectionErrorTests
{
    private static readonly Dictionary<string, (Http2Error Code, byte[][] Frames)> Errors = new()
    {
        ["frame too long"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.Data, 0, 1, new byte[16_385])]),
        ["PUSH_PROMISE"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.PushPromise, 4, 1, [0, 0, 0, 2, 0x88])]),
        ["CONTINUATION of nothing"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Continuation, 4, 1, 0x88)]),
        ["PING in a block"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Headers, 0, 1, 0x88), Frame.Of(Http2FrameType.Ping, 0, 0, new byte[8])]),
        ["another's CONTINUATION"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Headers, 0, 1, 0x88), Frame.Of(Http2FrameType.Continuation, 4, 3)]),
        ["DATA of no stream"] = (Http2Error.ProtocolError, [Frame.Data(0, false, "a"u8)]),
        ["DATA of a later stream"] = (Http2Error.ProtocolError, [Frame.Data(7, false, "a"u8)]),
        ["HEADERS of the server's"] = (Http2Error.ProtocolError, [Frame.Ok(2)]),
        ["HEADERS of a later stream"] = (Http2Error.ProtocolError, [Frame.Ok(7)]),
        ["begun HEADERS of a later stream"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Headers, 0, 7, 0x88)]),
        ["RST_STREAM of a later stream"] = (Http2Error.ProtocolError, [Frame.Reset(7, Http2Error.Cancel)]),
        ["RST_STREAM of none"] = (Http2Error.ProtocolError, [Frame.Reset(0, Http2Error.Cancel)]),
        ["WINDOW_UPDATE of a later stream"] = (Http2Error.ProtocolError, [Frame.Window(7, 1)]),
        ["padding longer than its DATA"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Data, 8, 1, [3, 0, 0])]),
        ["padded DATA of nothing"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Data, 8, 1)]),
        ["padding longer than its HEADERS"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Headers, 12, 1, [9, 0x88])]),
        ["HEADERS shorter than a priority"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Headers, 0x24, 1, [0, 0, 0, 0])]),
        ["SETTINGS of five bytes"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.Settings, 0, 0, new byte[5])]),
        ["SETTINGS that acknowledge with settings"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.Settings, 1, 0, new byte[6])]),
        ["SETTINGS of a stream"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Settings, 0, 1)]),
        ["PING of seven bytes"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.Ping, 0, 0, new byte[7])]),
        ["PING of a stream"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.Ping, 0, 1, new byte[8])]),
        ["GOAWAY of seven bytes"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.GoAway, 0, 0, new byte[7])]),
        ["GOAWAY of a stream"] = (Http2Error.ProtocolError, [Frame.Of(Http2FrameType.GoAway, 0, 1, new byte[8])]),
        ["RST_STREAM of three bytes"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.RstStream, 0, 1, new byte[3])]),
        ["WINDOW_UPDATE of three bytes"] = (Http2Error.FrameSizeError, [Frame.Of(Http2FrameType.WindowUpdate, 0, 1, new byte[3])]),
        ["WINDOW_UPDATE by nothing"] = (Http2Error.ProtocolError, [Frame.Window(0, 0)]),
        ["a window over 2^31-1"] = (Http2Error.FlowControlError, [Frame.Window(0, int.MaxValue), Frame.Window(0, int.MaxValue)]),
        ["an initial window over 2^31-1"] = (Http2Error.FlowControlError, [Frame.Settings((Http2Setting.InitialWindowSize, -1))]),
        ["a stream's window over 2^31-1 by settings"] = (Http2Error.FlowControlError, [Frame.Window(1, 1), Frame.Settings((Http2Setting.InitialWindowSize, int.MaxValue))]),
        ["MAX_FRAME_SIZE too small"] = (Http2Error.ProtocolError, [Frame.Settings((Http2Setting.MaxFrameSize, 16_383))]),
        ["MAX_FRAME_SIZE too large"] = (Http2Error.ProtocolError, [Frame.Settings((Http2Setting.MaxFrameSize, 1 << 24))]),
        ["ENABLE_PUSH"] = (Http2Error.ProtocolError, [Frame.Settings((Http2Setting.EnablePush, 1))]),
        ["an index of nothing"] = (Http2Error.CompressionError, [Frame.Of(Http2FrameType.Headers, 4, 1, 0xbe)]),
        ["a table larger than allowed"] = (Http2Error.CompressionError, [Frame.Of(Http2FrameType.Headers, 4, 1, [0x3f, 0xe2, 0x1f, 0x88])]),
        ["a block that breaks off"] = (Http2Error.CompressionError, [Frame.Of(Http2FrameType.Headers, 4, 1, [0x88, 0x40, 5, 0x61])]),
        ["a block over 128 KiB"] = (Http2Error.EnhanceYourCalm,
            [Frame.Of(Http2FrameType.Headers, 0, 1, new byte[16_384]), .. Enumerable.Repeat(Frame.Of(Http2FrameType.Continuation, 0, 1, new byte[16_384]), 8)]),
        ["an empty CONTINUATION"] = (Http2Error.EnhanceYourCalm, [Frame.Of(Http2FrameType.Headers, 0, 1, 0x88), Frame.Of(Http2FrameType.Continuation, 0, 1)]),
    };

    public static TheoryData<string> Names => [.. Errors.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Error_EndsAll_AndSaysWhy(string name)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var waiting = peer.Get();
        await peer.ReadHeadAsync();
        var begun = await peer.GetBegunAsync(3);
        var content = WrittenContent.Of(100_000, isDeclared: true);
        var sending = peer.Post(content);
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(65_535);
        var read = (await begun.Content.ReadAsStreamAsync()).ReadAsync(new byte[1]).AsTask();

        await peer.SendAsync(Errors[name].Frames);

        (await peer.EndAsync()).ShouldBe(Errors[name].Code);
        (await ScriptedPeer.IsUndeliveredAsync(waiting)).ShouldBeFalse();
        (await ScriptedPeer.IsUndeliveredAsync(sending)).ShouldBeFalse();
        (await ScriptedPeer.FailureAsync(read)).ShouldBeOfType<IOException>();
        await ScriptedPeer.FailureAsync(content.Done);
        peer.Unusable.ShouldBe(1);
        peer.IsFull().ShouldBeTrue();
        peer.Connection.IsUsable.ShouldBeFalse();
    }

    /// <summary>RFC 9113 §6.9.1.</summary>
    [Fact]
    public async Task WindowOfAStream_TooLarge_EndsThatStreamOnly()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var one = peer.Get();
        var other = peer.Get();
        await peer.ReadHeadAsync();
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Window(1, int.MaxValue), Frame.Ok(3, ends: true));
        ((Http2Error)(await peer.ReadAsync(Http2FrameType.RstStream)).Number).ShouldBe(Http2Error.FlowControlError);
        await ScriptedPeer.FailureAsync(one);
        (await other.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
    }

    /// <summary>RFC 9113 §4.1, §5.5, §5.3.2, §5.1: each of these says nothing.</summary>
    [Fact]
    public async Task Frames_ThatSayNothing_ArePassedOver()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get();
        await peer.ReadHeadAsync();
        await peer.SendAsync(
            Frame.Of((Http2FrameType)0xfa, 0xff, 9, "grease"u8),
            Frame.Of(Http2FrameType.Priority, 0, 1, new byte[5]),
            Frame.Settings(((Http2Setting)0x99, 7), (Http2Setting.MaxFrameSize, 65_536), (Http2Setting.EnablePush, 0)),
            Frame.Of(Http2FrameType.Headers, 0x2c, 1, [2, 0, 0, 0, 0, 0, 0x88, 0, 0]),
            Frame.Of(Http2FrameType.Data, 9, 1, [2, (byte)'a', 0, 0]),
            Frame.Data(1, false, "late"u8),
            Frame.Ok(1),
            Frame.Window(1, 5),
            Frame.Reset(1, Http2Error.Cancel));
        (await (await response.WaitAsync(ScriptedPeer.Patience)).Content.ReadAsStringAsync()).ShouldBe("a");
        (await peer.SyncAsync()).ShouldHaveSingleItem().Type.ShouldBe(Http2FrameType.Settings);
        peer.Unusable.ShouldBe(0);
    }

    /// <summary>
    /// What was not written when the connection ended may be sent elsewhere: then it must not go out here either, before the GOAWAY.
    /// </summary>
    [Fact]
    public async Task Error_BeforeARequestIsWritten_DoesNotWriteIt()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        peer.Transport.Hold();
        var written = peer.Get();
        await peer.Transport.Held.WaitAsync(ScriptedPeer.Patience);
        var unwritten = peer.Get();
        await peer.SendAsync(Frame.Window(0, 0));

        (await ScriptedPeer.IsUndeliveredAsync(written)).ShouldBeFalse();
        (await ScriptedPeer.IsUndeliveredAsync(unwritten)).ShouldBeTrue();
        peer.Transport.Release();
        (await peer.ReadHeadAsync()).Frame.Stream.ShouldBe(1);
        await peer.ReadAsync(Http2FrameType.GoAway);
        (await peer.TryReadAsync()).ShouldBeNull();
    }

    /// <summary>Who does not read what the connection's end is called has five seconds for it.</summary>
    [Fact]
    public async Task Error_NotRead_ClosesInTheEnd()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        peer.Transport.Hold();
        var request = peer.Get();
        await peer.Transport.Held.WaitAsync(ScriptedPeer.Patience);
        await peer.SendAsync(Frame.Window(0, 0));
        await ScriptedPeer.FailureAsync(request);
        peer.Transport.IsDisposed.ShouldBeFalse();
        peer.Time.Advance(Http2Limits.PingTimeout);
        peer.Transport.IsDisposed.ShouldBeTrue();
    }
}
