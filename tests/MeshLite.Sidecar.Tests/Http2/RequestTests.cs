using System.Net;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>Heads, as they go and as they come (RFC 9113 §8).</summary>
public sealed class RequestTests
{
    [Fact]
    public async Task Get_IsOneFrame_PseudoFieldsFirst()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, "http://10.0.0.1:8080/a?b=c") { Headers = { { "X-One", "1" }, { "X-Two", ["a", "b"] } } };
        request.Headers.Host = "shop.example";
        foreach (var (name, value) in new[] { ("Connection", "x"), ("Keep-Alive", "1"), ("Proxy-Connection", "x"), ("Transfer-Encoding", "chunked"), ("Upgrade", "h2c") })
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        _ = peer.Send(request);

        var (frame, fields) = await peer.ReadHeadAsync();
        frame.Flags.ShouldBe(Http2Flags.EndStream | Http2Flags.EndHeaders);
        frame.Stream.ShouldBe(1);
        fields.ShouldBe(
            [(":method", "GET"), (":scheme", "http"), (":authority", "shop.example"), (":path", "/a?b=c"), ("x-one", "1"), ("x-two", "a"), ("x-two", "b")]);
    }

    [Fact]
    public async Task Get_WithoutHost_NamesTheAddress()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Send(new HttpRequestMessage(HttpMethod.Get, "http://10.0.0.1:8080/"));
        (await peer.ReadHeadAsync()).Fields.ShouldContain((":authority", "10.0.0.1:8080"));
    }

    /// <summary>RFC 9110 §8.6.</summary>
    [Theory]
    [InlineData("POST", true)]
    [InlineData("PUT", true)]
    [InlineData("DELETE", false)]
    public async Task NoContent_SaysSo_WhereAMethodMeansOne(string method, bool says)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        _ = peer.Send(new HttpRequestMessage(new HttpMethod(method), "http://example.test/"));
        var (frame, fields) = await peer.ReadHeadAsync();
        frame.Ends.ShouldBeTrue();
        fields.Contains(("content-length", "0")).ShouldBe(says);
    }

    [Fact]
    public async Task Head_LongerThanAFrame_GoesOnInContinuations()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/");
        request.Headers.Add("x-long", new string('v', 40_000));
        _ = peer.Send(request);
        var (frame, fields) = await peer.ReadHeadAsync();
        frame.Flags.ShouldBe(Http2Flags.EndStream);
        frame.Payload.Length.ShouldBe(Http2FrameHeader.MaxLength);
        fields[^1].Value.Length.ShouldBe(40_000);
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Head_ThatCannotBeWritten_ThrowsAndOpensNothing()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/");
        request.Headers.TryAddWithoutValidation("x-bad", "č");
        Should.Throw<HttpRequestException>(() => peer.Send(request)).Message.ShouldContain("x-bad");
        _ = peer.Get();
        (await peer.ReadHeadAsync()).Frame.Stream.ShouldBe(1);
    }

    [Fact]
    public async Task Response_InOneWrite_IsThereWithItsHead()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get();
        await peer.ReadHeadAsync();
        await peer.SendAsync(
            Frame.Head(1, ends: false, (":status", "404"), ("content-type", "text/plain"), ("content-length", "2"), ("set-cookie", "a"), ("set-cookie", "b")), Frame.Data(1, true, "hi"u8));

        var head = await response.WaitAsync(ScriptedPeer.Patience);
        head.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        head.Version.ShouldBe(HttpVersion.Version20);
        head.Headers.NonValidated["set-cookie"].ShouldBe(["a", "b"]);
        head.Content.Headers.NonValidated["Content-Type"].ToString().ShouldBe("text/plain");
        var body = await head.Content.ReadAsStreamAsync();
        var bytes = new byte[10];
        var read = body.ReadAsync(bytes);
        read.IsCompletedSuccessfully.ShouldBeTrue();
        (await read).ShouldBe(2);
        var end = body.ReadAsync(bytes);
        end.IsCompletedSuccessfully.ShouldBeTrue();
        (await end).ShouldBe(0);
    }

    [Fact]
    public async Task Trailers_AreThereWithTheEnd()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = await peer.GetBegunAsync(1);
        await peer.SendAsync(Frame.Data(1, false, "hi"u8), Frame.Head(1, ends: true, ("grpc-status", "0"), ("x-last", "1")));
        (await response.Content.ReadAsStringAsync()).ShouldBe("hi");
        response.TrailingHeaders.NonValidated["grpc-status"].ToString().ShouldBe("0");
        response.TrailingHeaders.NonValidated["x-last"].ToString().ShouldBe("1");
    }

    [Fact]
    public async Task EarlyHints_AreNotTheResponse()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get();
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Head(1, ends: false, (":status", "103"), ("link", "</a>")), Frame.Head(1, ends: true, (":status", "200")));
        var head = await response.WaitAsync(ScriptedPeer.Patience);
        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Headers.ShouldBeEmpty();
    }

    /// <summary>RFC 9110 §8.6, §15.4.5: the length is that of what a GET would have brought.</summary>
    [Theory]
    [InlineData("HEAD", "200")]
    [InlineData("GET", "304")]
    public async Task ContentLength_OfAResponseThatHasNone_IsNotMissed(string method, string status)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Send(new HttpRequestMessage(new HttpMethod(method), "http://example.test/"));
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Head(1, ends: true, (":status", status), ("content-length", "10")));
        (await (await response.WaitAsync(ScriptedPeer.Patience)).Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
    }

    /// <summary>RFC 9110 §10.1.1.</summary>
    [Theory]
    [InlineData("100")]
    [InlineData("200")]
    [InlineData("time")]
    public async Task ExpectContinue_SendsTheBody_AfterItsSignOrASecond(string sign)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var request = new HttpRequestMessage(HttpMethod.Post, "http://example.test/") { Content = new ByteArrayContent("body"u8.ToArray()), Headers = { ExpectContinue = true } };
        var response = peer.Send(request);
        (await peer.ReadHeadAsync()).Fields.ShouldContain(("expect", "100-continue"));
        (await peer.SyncAsync()).ShouldBeEmpty();
        peer.Time.Advance(TimeSpan.FromMilliseconds(999));
        (await peer.SyncAsync()).ShouldBeEmpty();

        if (sign == "time")
        {
            peer.Time.Advance(TimeSpan.FromMilliseconds(1));
        }
        else
        {
            await peer.SendAsync(Frame.Head(1, ends: false, (":status", sign)));
        }

        var data = await peer.ReadAsync(Http2FrameType.Data);
        data.Payload.ShouldBe("body"u8.ToArray());
        data.Ends.ShouldBeTrue();
        response.IsCompleted.ShouldBe(sign == "200");
    }

    /// <summary>RFC 9110 §10.1.1: who refuses it does not get the body; the stream ends with the response, however soon that is.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ExpectContinue_Refused_KeepsTheBody(bool atOnce)
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var body = WrittenContent.Of(10, isDeclared: true);
        var sending = peer.Send(new HttpRequestMessage(HttpMethod.Post, "http://example.test/") { Content = body, Headers = { ExpectContinue = true } });
        await peer.ReadHeadAsync();

        await peer.SendAsync(Frame.Head(1, atOnce, (":status", "413")));
        var response = await sending.WaitAsync(ScriptedPeer.Patience);
        if (!atOnce)
        {
            (await peer.SyncAsync()).ShouldBeEmpty("the response goes on");
            await peer.SendAsync(Frame.Data(1, true, "big"u8));
        }

        (await peer.ReadAsync(Http2FrameType.RstStream)).Number.ShouldBe((int)Http2Error.Cancel);
        (await response.Content.ReadAsStringAsync()).ShouldBe(atOnce ? "" : "big");
        body.Done.IsCompleted.ShouldBeFalse("nobody asked for it");
        peer.Unusable.ShouldBe(0);
    }
}
