using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>Extended CONNECT (RFC 8441): two directions, each with its own end.</summary>
public sealed class TunnelTests
{
    [Fact]
    public async Task Tunnel_CarriesBothDirections_AndEndsAsThePeerEnds()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var tunnel = await OpenAsync(peer);
        await tunnel.WriteAsync("ping"u8.ToArray());
        await tunnel.FlushAsync();
        (await peer.ReadAsync(Http2FrameType.Data)).ShouldSatisfyAllConditions(f => f.Payload.ShouldBe("ping"u8.ToArray()), f => f.Ends.ShouldBeFalse());
        await peer.SendAsync(Frame.Data(1, false, "pong"u8));
        await tunnel.ReadExactlyAsync(new byte[4]);

        await peer.SendAsync(Frame.Data(1, true));
        (await tunnel.ReadAsync(new byte[1])).ShouldBe(0);
        await tunnel.WriteAsync("bye"u8.ToArray());
        (await peer.ReadAsync(Http2FrameType.Data)).Payload.ShouldBe("bye"u8.ToArray());
        await tunnel.DisposeAsync();
        (await peer.ReadAsync(Http2FrameType.Data)).ShouldSatisfyAllConditions(f => f.Payload.ShouldBeEmpty(), f => f.Ends.ShouldBeTrue());
        await Should.ThrowAsync<IOException>(async () => await tunnel.WriteAsync(new byte[1]));
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Tunnel_Disposed_IsReset()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var tunnel = await OpenAsync(peer);
        await tunnel.DisposeAsync();
        ((Http2Error)(await peer.ReadAsync(Http2FrameType.RstStream)).Number).ShouldBe(Http2Error.Cancel);
    }

    [Fact]
    public async Task Tunnel_Reset_EndsBothDirections()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var tunnel = await OpenAsync(peer);
        var writing = WriteAsync();
        await peer.ReadDataAsync(65_535);
        var reading = tunnel.ReadAsync(new byte[1]).AsTask();
        await peer.SendAsync(Frame.Reset(1, Http2Error.Cancel));
        (await ScriptedPeer.FailureAsync(reading)).ShouldBeOfType<IOException>();
        (await ScriptedPeer.FailureAsync(writing)).ShouldBeOfType<IOException>();
        await tunnel.DisposeAsync();
        (await peer.SyncAsync()).ShouldBeEmpty();

        async Task WriteAsync() => await tunnel.WriteAsync(new byte[100_000]);
    }

    [Fact]
    public async Task Tunnel_Refused_HasABody()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Send(Connect());
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Head(1, false, (":status", "503")), Frame.Data(1, true, "no"u8));
        (await (await response.WaitAsync(ScriptedPeer.Patience)).Content.ReadAsStringAsync()).ShouldBe("no");
    }

    private static HttpRequestMessage Connect()
    {
        var request = new HttpRequestMessage(HttpMethod.Connect, "http://example.test/chat");
        request.Headers.Protocol = "websocket";
        return request;
    }

    private static async Task<Stream> OpenAsync(ScriptedPeer peer)
    {
        var response = peer.Send(Connect());
        var (frame, fields) = await peer.ReadHeadAsync();
        frame.Ends.ShouldBeFalse();
        fields.ShouldBe([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "example.test"), (":path", "/chat")]);
        await peer.SendAsync(Frame.Ok(1));
        return await (await response.WaitAsync(ScriptedPeer.Patience)).Content.ReadAsStreamAsync();
    }
}
