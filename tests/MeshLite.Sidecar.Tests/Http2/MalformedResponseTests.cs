using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>RFC 9113 §8.1.1: a malformed response ends its stream, and no other.</summary>
public sealed class MalformedResponseTests
{
    private static readonly (string Name, string Value) Status = (":status", "200");

    private static readonly Dictionary<string, byte[][]> Responses = new()
    {
        ["no status"] = [Frame.Head(1, true, ("x-a", "1"))],
        ["no field"] = [Frame.Head(1, true)],
        ["status twice"] = [Frame.Head(1, true, Status, Status)],
        ["status of two digits"] = [Frame.Head(1, true, (":status", "99"))],
        ["status of four digits"] = [Frame.Head(1, true, (":status", "0200"))],
        ["status 101"] = [Frame.Head(1, false, (":status", "101"))],
        ["another pseudo-field"] = [Frame.Head(1, true, Status, (":path", "/"))],
        ["pseudo-field after fields"] = [Frame.Head(1, true, ("x-a", "1"), Status)],
        ["pseudo-field in trailers"] = [Frame.Ok(1), Frame.Head(1, true, Status)],
        ["upper-case name"] = [Frame.Of(Http2FrameType.Headers, 5, 1, [0x88, 0, 1, (byte)'X', 1, (byte)'v'])],
        ["empty name"] = [Frame.Of(Http2FrameType.Headers, 5, 1, [0x88, 0, 0, 1, (byte)'v'])],
        ["CR in a value"] = [Frame.Of(Http2FrameType.Headers, 5, 1, [0x88, 0, 1, (byte)'x', 2, (byte)'a', (byte)'\r'])],
        ["NUL in a trailer"] = [Frame.Ok(1), Frame.Of(Http2FrameType.Headers, 5, 1, [0, 1, (byte)'x', 1, 0])],
        ["connection"] = [Frame.Head(1, true, Status, ("connection", "close"))],
        ["transfer-encoding"] = [Frame.Head(1, true, Status, ("transfer-encoding", "chunked"))],
        ["upgrade"] = [Frame.Head(1, true, Status, ("upgrade", "x"))],
        ["keep-alive"] = [Frame.Head(1, true, Status, ("keep-alive", "1"))],
        ["proxy-connection"] = [Frame.Head(1, true, Status, ("proxy-connection", "x"))],
        ["longer than it said"] = [Frame.Head(1, false, Status, ("content-length", "2")), Frame.Data(1, false, "abc"u8)],
        ["shorter than it said"] = [Frame.Head(1, false, Status, ("content-length", "4")), Frame.Data(1, true, "abc"u8)],
        ["shorter, with trailers"] = [Frame.Head(1, false, Status, ("content-length", "4")), Frame.Data(1, false, "abc"u8), Frame.Head(1, true, ("x-a", "1"))],
        ["nothing of what it said"] = [Frame.Head(1, true, Status, ("content-length", "4"))],
        ["length that is none"] = [Frame.Head(1, false, Status, ("content-length", "3x"))],
        ["two lengths"] = [Frame.Head(1, false, Status, ("content-length", "3"), ("content-length", "3"))],
        ["second head"] = [Frame.Ok(1), Frame.Head(1, false, ("x-a", "1"))],
        ["fields over 68 KiB"] =
        [
            Frame.Of(Http2FrameType.Headers, 1, 1, [0x88, 0, 1, (byte)'x', 0x7f, 0x81, 0x80, 4, .. new byte[16_000].Select(_ => (byte)'v')]),
            .. Enumerable.Repeat(Frame.Of(Http2FrameType.Continuation, 0, 1, [.. new byte[16_000].Select(_ => (byte)'v')]), 3),
            Frame.Of(Http2FrameType.Continuation, 4, 1, [.. new byte[0x7f + 1 + (4 << 14) - 64_000].Select(_ => (byte)'v'), .. ManyFields(14_000)]),
        ],
        ["interim response that ends"] = [Frame.Head(1, true, (":status", "103"))],
        ["body before its head"] = [Frame.Data(1, false, "abc"u8)],
        ["end before its head"] = [Frame.Data(1, true)],
        ["window update by nothing"] = [Frame.Window(1, 0)],
        ["window update by nothing, late"] = [Frame.Ok(1), Frame.Window(1, 0)],
    };

    public static TheoryData<string> Names => [.. Responses.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Response_Malformed_EndsItsStreamOnly(string name)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var one = peer.Get();
        var other = peer.Get();
        await peer.ReadHeadAsync();
        await peer.ReadHeadAsync();
        await peer.SendAsync([.. Responses[name], Frame.Ok(3)]);

        var reset = await peer.ReadAsync(Http2FrameType.RstStream);
        reset.Stream.ShouldBe(1);
        ((Http2Error)reset.Number).ShouldBe(Http2Error.ProtocolError);
        var failure = await ScriptedPeer.FailureAsync(WholeAsync(one));
        failure.ToString().ShouldContain("The server sent ");
        failure.ShouldNotBeOfType<UnsentException>();

        await other.WaitAsync(ScriptedPeer.Patience);
        await peer.SendAsync(Frame.Data(1, false, "late"u8), Frame.Data(3, true, "hi"u8));
        (await (await other).Content.ReadAsStringAsync()).ShouldBe("hi");
        (await peer.SyncAsync()).ShouldBeEmpty("what comes on the stream later is passed over");
        peer.Unusable.ShouldBe(0);
    }

    /// <summary>The peer's table holds what the malformed block put there.</summary>
    [Fact]
    public async Task Response_Malformed_IsDecodedToItsEnd()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var one = peer.Get();
        var other = peer.Get();
        await peer.SendAsync(
            Frame.Of(Http2FrameType.Headers, 5, 1, [0x88, 0x88, 0x40, 1, (byte)'x', 1, (byte)'v']),
            Frame.Of(Http2FrameType.Headers, 5, 3, [0x88, 0xbe]));
        await ScriptedPeer.FailureAsync(one);
        (await other.WaitAsync(ScriptedPeer.Patience)).Headers.NonValidated["x"].ToString().ShouldBe("v");
    }

    /// <summary>RFC 9113 §5.1, half-closed (remote): what comes after the response's end is none of it, and ends what is left, the upload.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Frames_AfterTheEnd_EndTheUploadAndNotTheResponse(bool trailers)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var content = WrittenContent.Of(100_000, isDeclared: true);
        var response = peer.Post(content);
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(65_535);
        await peer.SendAsync(Frame.Ok(1), Frame.Data(1, true, "whole"u8), trailers ? Frame.Head(1, true, ("x-a", "1")) : Frame.Data(1, true, " and more"u8));

        (await peer.ReadAsync(Http2FrameType.RstStream)).Stream.ShouldBe(1);
        var head = await response.WaitAsync(ScriptedPeer.Patience);
        (await head.Content.ReadAsStringAsync()).ShouldBe("whole");
        head.TrailingHeaders.ShouldBeEmpty();
        await ScriptedPeer.FailureAsync(content.Done);
    }

    private static byte[] ManyFields(int bytes) => [.. Enumerable.Repeat((byte[])[0, 1, (byte)'y', 1, (byte)'v'], bytes / 5).SelectMany(b => b)];

    private static async Task WholeAsync(Task<HttpResponseMessage> response) => await (await response).Content.ReadAsByteArrayAsync();
}
