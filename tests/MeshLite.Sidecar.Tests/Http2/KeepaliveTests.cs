using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>Is the peer there, is the connection used, is it too old? And what the peer asks.</summary>
public sealed class KeepaliveTests
{
    [Fact]
    public async Task Silence_IsAskedAbout_AndAnAnswerKeepsTheConnection()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get();
        await peer.ReadHeadAsync();
        for (var i = 0; i < 3; i++)
        {
            peer.Time.Advance(Http2Limits.PingDelay);
            var ping = await peer.ReadAsync(Http2FrameType.Ping);
            ping.Flags.ShouldBe(Http2Flags.None);
            await peer.SendAsync(Frame.Of(Http2FrameType.Ping, 1, 0, ping.Payload));
            (await peer.SyncAsync()).ShouldBeEmpty();
        }

        peer.Time.Advance(Http2Limits.PingTimeout);
        await peer.SendAsync(Frame.Ok(1, ends: true));
        (await response.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
        peer.Unusable.ShouldBe(0);
    }

    [Fact]
    public async Task Silence_Unbroken_EndsAll()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get();
        await peer.ReadHeadAsync();
        peer.Time.Advance(Http2Limits.PingDelay);
        await peer.ReadAsync(Http2FrameType.Ping);
        peer.Time.Advance(Http2Limits.PingTimeout - TimeSpan.FromMilliseconds(1));
        response.IsCompleted.ShouldBeFalse();
        peer.Time.Advance(TimeSpan.FromMilliseconds(1));

        var failure = await ScriptedPeer.FailureAsync(response);
        failure.Message.ShouldContain("no answer to a ping");
        peer.Unusable.ShouldBe(1);
        (await peer.EndAsync()).ShouldBeNull();
        peer.Time.PendingTimers.ShouldBe(0);
    }

    /// <summary>Words of any kind are a sign of life, and put the question off.</summary>
    [Fact]
    public async Task Talk_IsNotAskedAbout()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Get();
        await peer.ReadHeadAsync();
        for (var i = 0; i < 10; i++)
        {
            peer.Time.Advance(Http2Limits.PingDelay - TimeSpan.FromSeconds(1));
            (await peer.SyncAsync()).ShouldBeEmpty();
        }
    }

    /// <summary>As to an application: one whose calls wait for news is not asked whether it is there, and without calls the connection ends by its own measure.</summary>
    [Fact]
    public async Task WithoutPings_SilenceIsNotAskedAbout()
    {
        using var peer = await ScriptedPeer.ConnectAsync(new Http2Idling(TimeSpan.FromSeconds(4), Pings: false));
        var response = peer.Get();
        await peer.ReadHeadAsync();
        for (var i = 0; i < 100; i++)
        {
            peer.Time.Advance(TimeSpan.FromSeconds(7));
        }

        (await peer.SyncAsync()).ShouldBeEmpty();
        await peer.SendAsync(Frame.Ok(1, ends: true));
        await response.WaitAsync(ScriptedPeer.Patience);
        await peer.SyncAsync();
        for (var i = 0; i < 8 && peer.Unusable == 0; i++)
        {
            peer.Time.Advance(TimeSpan.FromSeconds(1));
        }

        peer.Unusable.ShouldBe(1);
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
    }

    [Fact]
    public async Task Idle_For5Min_Ends()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        await PassAsync(peer, TimeSpan.FromMinutes(4));
        var response = peer.Get();
        await peer.ReadHeadAsync();
        await PassAsync(peer, TimeSpan.FromMinutes(6));
        peer.Connection.IsUsable.ShouldBeTrue("it was used");
        await peer.SendAsync(Frame.Ok(1, ends: true));
        await response.WaitAsync(ScriptedPeer.Patience);
        await PassAsync(peer, TimeSpan.FromMinutes(5) - TimeSpan.FromSeconds(10));
        peer.Connection.IsUsable.ShouldBeTrue();

        for (var i = 0; i < 20 && peer.Unusable == 0; i++)
        {
            peer.Time.Advance(TimeSpan.FromSeconds(1));
        }

        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
        peer.Unusable.ShouldBe(1);
    }

    [Fact]
    public async Task Age_Of1Hour_EndsWithTheLastRequest()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = await peer.GetBegunAsync(1);
        await PassAsync(peer, Http2Limits.Lifetime - TimeSpan.FromSeconds(5));
        peer.Unusable.ShouldBe(0);
        await PassAsync(peer, TimeSpan.FromSeconds(15));
        peer.Unusable.ShouldBe(1);
        peer.IsFull().ShouldBeTrue();
        await PassAsync(peer, TimeSpan.FromMinutes(1));

        await peer.SendAsync(Frame.Data(1, true, "old"u8));
        (await response.Content.ReadAsStringAsync()).ShouldBe("old");
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
        peer.Unusable.ShouldBe(1);
    }

    [Fact]
    public async Task PeersQuestions_AreAnswered()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        await peer.SendAsync(Frame.Of(Http2FrameType.Ping, 0, 0, "12345678"u8), Frame.Settings(), Frame.Of(Http2FrameType.Ping, 1, 0, "answered"u8), Frame.Of(Http2FrameType.Settings, 1, 0));
        (await peer.ReadAsync(Http2FrameType.Ping)).ShouldSatisfyAllConditions(f => f.Flags.ShouldBe(Http2Flags.Ack), f => f.Payload.ShouldBe("12345678"u8.ToArray()));
        (await peer.ReadAsync(Http2FrameType.Settings)).ShouldSatisfyAllConditions(f => f.Flags.ShouldBe(Http2Flags.Ack), f => f.Payload.ShouldBeEmpty());
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    /// <summary>Who asks and never reads the answers does not have them kept.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PeersQuestions_WhoseAnswersAreNotRead_EndTheConnection(bool settings)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        peer.Transport.Hold();
        var response = peer.Get();
        await peer.Transport.Held.WaitAsync(ScriptedPeer.Patience);
        var question = settings ? Frame.Settings() : Frame.Of(Http2FrameType.Ping, 0, 0, new byte[8]);
        var sending = peer.SendAsync([.. Enumerable.Repeat(question, (Http2Limits.MaxUnread / (settings ? 9 : 17)) + 2)]);

        (await ScriptedPeer.FailureAsync(response)).ToString().ShouldContain("not read");
        await sending.WaitAsync(ScriptedPeer.Patience);
        peer.Transport.Release();
        (await peer.EndAsync()).ShouldBe(Http2Error.EnhanceYourCalm);
    }

    /// <summary>Nor does it get requests without end, each given up by its caller.</summary>
    [Fact]
    public async Task Requests_ThatAreNotRead_AreBounded()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        peer.Transport.Hold();
        _ = peer.Get();
        await peer.Transport.Held.WaitAsync(ScriptedPeer.Patience);
        var sent = 0;
        for (var more = true; more && sent < 10_000;)
        {
            using var cancellation = new CancellationTokenSource();
            var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/");
            request.Headers.Add("x-long", new string('v', 10_000));
            more = peer.Connection.TrySend(request, out _, cancellation.Token);
            sent += more ? 1 : 0;
            await cancellation.CancelAsync();
        }

        sent.ShouldBeInRange(Http2Limits.MaxUnread / 11_000, Http2Limits.MaxUnread / 9_000);
        peer.Connection.IsUsable.ShouldBeTrue();
        peer.Transport.Release();
        for (var i = 0; i < sent + 1; i++)
        {
            await peer.ReadHeadAsync();
            _ = i == 0 ? null : await peer.ReadAsync(Http2FrameType.RstStream);
        }

        peer.IsFull().ShouldBeFalse();
    }

    // Time that passes while the peer is there.
    private static async Task PassAsync(ScriptedPeer peer, TimeSpan time)
    {
        for (var left = time; left > TimeSpan.Zero; left -= TimeSpan.FromSeconds(5))
        {
            peer.Time.Advance(TimeSpan.FromSeconds(5));
            (await peer.SyncAsync()).ShouldAllBe(f => f.Type == Http2FrameType.Ping);
        }
    }
}
