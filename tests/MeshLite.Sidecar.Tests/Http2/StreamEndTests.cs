using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>RST_STREAM, GOAWAY and lost connections, and what each says of a request's delivery (RFC 9113 §5.4.2, §6.8, §8.7).</summary>
public sealed class StreamEndTests
{
    [Theory]
    [InlineData(0x7, true)]
    [InlineData(0x8, false)]
    [InlineData(0x0, false)]
    [InlineData(0x2, false)]
    [InlineData(-1, false)]
    public async Task Reset_FailsTheRequest_UndeliveredIfRefused(int code, bool isUndelivered)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var one = peer.Get();
        var other = peer.Get();
        await peer.ReadHeadAsync();
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Reset(1, (Http2Error)code), Frame.Ok(3, ends: true));

        var failure = await ScriptedPeer.FailureAsync(one);
        failure.ShouldBeOfType<HttpRequestException>().InnerException.ShouldBeOfType<HttpProtocolException>().ErrorCode.ShouldBe((uint)code);
        ForwardErrors.FromSend(failure).Undelivered.ShouldBe(isUndelivered);
        (await other.WaitAsync(ScriptedPeer.Patience)).Dispose();
        (await peer.SyncAsync()).ShouldBeEmpty("a reset is not answered by one");
    }

    /// <summary>RFC 9113 §8.1: the server has answered and wants no more of the request.</summary>
    [Fact]
    public async Task Reset_AfterAWholeResponse_StopsTheUploadOnly()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var content = WrittenContent.Of(100_000, isDeclared: true);
        var response = peer.Post(content);
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(65_535);
        await peer.SendAsync(Frame.Head(1, false, (":status", "413")), Frame.Data(1, true, "too much"u8), Frame.Reset(1, Http2Error.NoError));

        (await (await response.WaitAsync(ScriptedPeer.Patience)).Content.ReadAsStringAsync()).ShouldBe("too much");
        await ScriptedPeer.FailureAsync(content.Done);
        await peer.SendAsync(Frame.Window(0, 100_000));
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    /// <summary>In one write, the head stands: its body fails.</summary>
    [Fact]
    public async Task Reset_AfterTheHead_FailsTheBody()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get();
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Ok(1), Frame.Data(1, false, "some"u8), Frame.Reset(1, (Http2Error)0x2));
        var body = await (await response.WaitAsync(ScriptedPeer.Patience)).Content.ReadAsStreamAsync();
        var bytes = new byte[10];
        (await body.ReadAsync(bytes)).ShouldBe(4);
        (await ScriptedPeer.FailureAsync(body.ReadAsync(bytes).AsTask())).ShouldBeOfType<IOException>();
        (await ScriptedPeer.FailureAsync(body.ReadAsync(bytes).AsTask())).ShouldBeOfType<IOException>();
    }

    [Fact]
    public async Task GoAway_EndsWhatWasNotBegun_AndTheConnectionWithItsLast()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var begun = await peer.GetBegunAsync(1);
        var served = peer.Get();
        var unserved = peer.Get();
        await peer.ReadHeadAsync();
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.GoAway(3));

        (await ScriptedPeer.IsUndeliveredAsync(unserved)).ShouldBeTrue();
        peer.Unusable.ShouldBe(1);
        peer.Connection.IsUsable.ShouldBeFalse();
        peer.IsFull().ShouldBeTrue();

        await peer.SendAsync(Frame.Ok(3, ends: true), Frame.Data(1, false, "go"u8));
        (await served.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
        (await peer.SyncAsync()).ShouldBeEmpty();
        await peer.SendAsync(Frame.Data(1, true, "es on"u8));
        (await begun.Content.ReadAsStringAsync()).ShouldBe("goes on");
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
        peer.Unusable.ShouldBe(1);
    }

    /// <summary>RFC 9113 §6.8: a server says first that it will go, and then up to where it served.</summary>
    [Fact]
    public async Task GoAway_Twice_TheSecondSaysWhatWasServed()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var served = peer.Get();
        var unserved = peer.Get();
        await peer.ReadHeadAsync();
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.GoAway(int.MaxValue));
        (await peer.SyncAsync()).ShouldBeEmpty();
        unserved.IsCompleted.ShouldBeFalse();
        peer.Unusable.ShouldBe(1);
        peer.IsFull().ShouldBeTrue();

        await peer.SendAsync(Frame.GoAway(1), Frame.Ok(1, ends: true));
        (await ScriptedPeer.IsUndeliveredAsync(unserved)).ShouldBeTrue();
        (await served.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
        peer.Unusable.ShouldBe(1);
    }

    [Fact]
    public async Task GoAway_WithNothingRunning_ClosesAtOnce()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        await peer.SendAsync(Frame.GoAway(0));
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
        peer.Unusable.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Closed_ByThePeer_FailsAll(bool isReset)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var begun = await peer.GetBegunAsync(1);
        var waiting = peer.Get();
        await peer.ReadHeadAsync();
        if (isReset)
        {
            peer.Abort();
        }
        else
        {
            peer.Shutdown();
        }

        (await ScriptedPeer.IsUndeliveredAsync(waiting)).ShouldBeFalse();
        await ScriptedPeer.FailureAsync(begun.Content.ReadAsByteArrayAsync());
        peer.Unusable.ShouldBe(1);
        peer.IsFull().ShouldBeTrue();
    }

    /// <summary>Of a write that fails nobody knows what arrived; what stood behind it did not.</summary>
    [Fact]
    public async Task WriteFails_OnlyWhatWasNotBeingWritten_IsUndelivered()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var before = peer.Get();
        await peer.ReadHeadAsync();
        peer.Transport.Hold();
        var written = peer.Get();
        await peer.Transport.Held.WaitAsync(ScriptedPeer.Patience);
        var behind = peer.Get();
        peer.Transport.Break();

        (await ScriptedPeer.IsUndeliveredAsync(before)).ShouldBeFalse();
        (await ScriptedPeer.IsUndeliveredAsync(written)).ShouldBeFalse();
        (await ScriptedPeer.IsUndeliveredAsync(behind)).ShouldBeTrue();
        peer.Unusable.ShouldBe(1);
        (await peer.EndAsync()).ShouldBeNull();
    }

    /// <summary>The peer has ended its half and may still read.</summary>
    [Fact]
    public async Task Closed_BeforeARequestIsWritten_DoesNotWriteIt()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        peer.Transport.Hold();
        var written = peer.Get();
        await peer.Transport.Held.WaitAsync(ScriptedPeer.Patience);
        var behind = peer.Get();
        peer.Shutdown();
        (await ScriptedPeer.IsUndeliveredAsync(behind)).ShouldBeTrue();
        (await ScriptedPeer.IsUndeliveredAsync(written)).ShouldBeFalse();
        (await peer.TryReadAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task Dispose_LetsRunningRequestsEnd()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var begun = await peer.GetBegunAsync(1);
        peer.Connection.Dispose();
        peer.Connection.Dispose();
        peer.Unusable.ShouldBe(1);
        peer.IsFull().ShouldBeTrue();
        (await peer.SyncAsync()).ShouldBeEmpty();
        await peer.SendAsync(Frame.Data(1, true, "end"u8));
        (await begun.Content.ReadAsStringAsync()).ShouldBe("end");
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
    }

    /// <summary>RFC 9113 §5.1.2: no more at once than the server takes, and again as they end.</summary>
    [Fact]
    public async Task MaxConcurrentStreams_BoundsThem()
    {
        using var peer = await ScriptedPeer.ConnectAsync((Http2Setting.MaxConcurrentStreams, 2));
        var one = peer.Get();
        _ = peer.Get();
        peer.IsFull().ShouldBeTrue();
        peer.Connection.IsUsable.ShouldBeTrue();
        await peer.SendAsync(Frame.Ok(1, ends: true));
        await one.WaitAsync(ScriptedPeer.Patience);
        var other = peer.Get();
        await peer.SendAsync(Frame.Settings((Http2Setting.MaxConcurrentStreams, 3)), Frame.Ok(5, ends: true));
        await other.WaitAsync(ScriptedPeer.Patience);
        _ = peer.Get();
        _ = peer.Get();
        peer.IsFull().ShouldBeTrue();
    }
}
