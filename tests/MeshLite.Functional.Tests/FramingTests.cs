using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>How messages begin and end (RFC 9112 §6, RFC 9110 §9, §15): bytes in at the caller's sidecar, bytes out at the application, and back.</summary>
public sealed class FramingTests
{
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: orders\r\n\r\n")]
    [InlineData("DELETE / HTTP/1.1\r\nHost: orders\r\n\r\n")]
    [InlineData("OPTIONS /x HTTP/1.1\r\nHost: orders\r\n\r\n")]
    public async Task Request_WithoutBody_HasNoneAtTheApplication(string request)
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync(request);
        var response = await caller.ReadMessageAsync();

        response!.Text.ShouldBe("ok");
        response.Value("content-length").ShouldBe("2");
        var received = app.Received.ShouldHaveSingleItem();
        received.FirstLine.ShouldBe(request[..request.IndexOf('\r')]);
        received.Value("transfer-encoding").ShouldBeNull();
        received.Value("content-length").ShouldBeNull();
    }

    [Fact]
    public async Task Request_WithEmptyBody_KeepsItsLengthOfZero()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 0\r\n\r\n");

        (await caller.ReadMessageAsync())!.Value("content-length").ShouldBe("0");
        app.Received.ShouldHaveSingleItem().Value("content-length").ShouldBe("0");
    }

    [Fact]
    public async Task Request_WithLength_KeepsItsLength()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 5\r\n\r\nhello");
        await caller.ReadMessageAsync();

        var received = app.Received.ShouldHaveSingleItem();
        received.Text.ShouldBe("hello");
        received.Value("content-length").ShouldBe("5");
        received.Value("transfer-encoding").ShouldBeNull();
    }

    [Fact]
    public async Task Bodies_Chunked_StayChunkedBothWays()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("POST / HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Values("transfer-encoding").ShouldBe(["chunked"]);
        response.Text.ShouldBe("abcdefg");
        var received = app.Received.ShouldHaveSingleItem();
        received.Values("transfer-encoding").ShouldBe(["chunked"]);
        received.Text.ShouldBe("hello");
    }

    [Fact]
    public async Task Response_EndedByClose_ArrivesWhole()
    {
        await using var app = new WireApp(async (wire, _) =>
        {
            await wire.SendAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf");
            await wire.SendAsync(" and half");
            return false;
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        for (var i = 0; i < 2; i++)
        {
            await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
            var response = await caller.ReadMessageAsync();

            response!.Text.ShouldBe("half and half");
            response.Value("connection").ShouldBeNull("the application's hop is not the caller's");
        }
    }

    [Theory]
    [InlineData("Content-Length: 10\r\n\r\nhalf")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")]
    public async Task Response_BrokenOff_LooksBrokenToTheCaller(string rest)
    {
        var arrived = new TaskCompletionSource();
        await using var app = new WireApp(async (wire, _) =>
        {
            await wire.SendAsync($"HTTP/1.1 200 OK\r\n{rest}");
            await arrived.Task;
            return false;
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();

        using var response = await http.GetAsync(new Uri("http://orders/"), HttpCompletionOption.ResponseHeadersRead);
        arrived.SetResult();

        await Should.ThrowAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Response_BrokenOffOverHttp2_LooksBrokenToTheCaller()
    {
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                await context.Response.WriteAsync("half");
                context.Abort();
            },
            HttpProtocols.Http2);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);

        await Should.ThrowAsync<HttpRequestException>(() => http.GetStringAsync(new Uri("http://orders/")));
    }

    [Fact]
    public async Task Head_OfABody_KeepsItsLengthAndHasNone()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        for (var i = 0; i < 2; i++)
        {
            await caller.SendAsync("HEAD / HTTP/1.1\r\nHost: orders\r\n\r\n");
            var response = await caller.ReadMessageAsync(hasBody: false);

            response!.Status.ShouldBe(200);
            response.Value("content-length").ShouldBe("1234");
        }

        app.Received.Select(r => r.FirstLine).ShouldBe(["HEAD / HTTP/1.1", "HEAD / HTTP/1.1"]);
    }

    [Theory]
    [InlineData("204 No Content", "ETag: \"a\"\r\n")]
    [InlineData("204 No Content", "ETag: \"a\"\r\nContent-Length: 0\r\n")]
    [InlineData("304 Not Modified", "ETag: \"a\"\r\n")]
    [InlineData("304 Not Modified", "ETag: \"a\"\r\nContent-Length: 1234\r\n")]
    [InlineData("205 Reset Content", "ETag: \"a\"\r\nContent-Length: 0\r\n")]
    public async Task Response_ThatHasNoBody_LeavesTheConnectionUsable(string status, string headers)
    {
        await using var app = new WireApp($"HTTP/1.1 {status}\r\n{headers}\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        for (var i = 0; i < 2; i++)
        {
            await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
            var response = await caller.ReadMessageAsync();

            response!.FirstLine.ShouldBe($"HTTP/1.1 {status}");
            response.Value("etag").ShouldBe("\"a\"");
        }
    }

    [Fact]
    public async Task Reason_OfTheApplication_IsNotCarriedByHttp2()
    {
        await using var app = new WireApp("HTTP/1.1 299 Very Own\r\nContent-Length: 0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");

        (await caller.ReadMessageAsync())!.Status.ShouldBe(299);
    }

    [Fact]
    public async Task Caller_OfHttp10_GetsTheWholeBodyAndTheEnd()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET /x HTTP/1.0\r\nHost: orders\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(200);
        response.Values("transfer-encoding").ShouldBeEmpty();
        response.Text.ShouldBe("abc");
        app.Received.ShouldHaveSingleItem().FirstLine.ShouldBe("GET /x HTTP/1.1");
    }

    [Fact]
    public async Task Caller_ThatSaysClose_GetsItsAnswerAndTheEnd()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\nGET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n");
        var first = await caller.ReadMessageAsync();
        var second = await caller.ReadMessageAsync();

        first!.Value("connection").ShouldBeNull();
        second!.Text.ShouldBe("ok");
        (await caller.EndsByFinAsync()).ShouldBeTrue();
        app.Received.Count.ShouldBe(2);
        app.Received.ShouldAllBe(r => r.Value("connection") == null);
    }

    [Fact]
    public async Task Trailers_OfAnHttp2Application_ReachTheCaller()
    {
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                context.Response.DeclareTrailer("x-sum");
                await context.Response.WriteAsync("body");
                context.Response.AppendTrailer("x-sum", "42");
            },
            HttpProtocols.Http2);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);

        using var response = await http.GetAsync(new Uri("http://orders/"));

        (await response.Content.ReadAsStringAsync()).ShouldBe("body");
        response.TrailingHeaders.GetValues("x-sum").ShouldBe(["42"]);
    }

    /// <summary>RFC 9110 §6.5.1 lets an intermediary drop trailers; the body must be whole all the same, and the connection usable.</summary>
    [Fact]
    public async Task Trailers_OfAnHttp11Application_DoNotDisturbTheMessage()
    {
        await using var app = new WireApp("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 42\r\n\r\n");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        for (var i = 0; i < 2; i++)
        {
            await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
            var response = await caller.ReadMessageAsync();

            response!.Text.ShouldBe("body");
        }

        app.Received.First().Value("te").ShouldBe("trailers");
    }

    [Fact]
    public async Task Expect_ApplicationReads_BodyComesAfter100()
    {
        var bodySeen = new TaskCompletionSource();
        await using var reading = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            if (await wire.ReadMessageAsync(hasBody: false) is not { } request)
            {
                return;
            }

            request.Value("expect").ShouldBe("100-continue");
            await wire.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
            System.Text.Encoding.Latin1.GetString(await wire.ReadAsync(5)).ShouldBe("hello");
            bodySeen.SetResult();
            await wire.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
            await wire.ReadLineAsync();
        });
        await using var pair = await MeshPair.StartAsync(reading.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
        (await caller.ReadMessageAsync())!.Status.ShouldBe(100);
        bodySeen.Task.IsCompleted.ShouldBeFalse();
        await caller.SendAsync("hello");

        (await caller.ReadMessageAsync())!.Text.ShouldBe("ok");
    }

    /// <summary>
    /// The sidecars wait 1 s for 100 or a refusal (and not at all for bodies up to 1 kB), then ask for the body; on a
    /// machine that is busy for so long, the test looks again.
    /// </summary>
    [Fact]
    public async Task Expect_ApplicationRefuses_CallerIsToldInsteadOf100()
    {
        await using var refusing = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            if (await wire.ReadMessageAsync(hasBody: false) is not null)
            {
                await wire.SendAsync("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno");
                await wire.ReadLineAsync();
            }
        });
        await using var pair = await MeshPair.StartAsync(refusing.Port);
        WireMessage? response = null;
        for (var i = 0; i < 5 && response?.Status != 417; i++)
        {
            using var caller = await pair.WireAsync();
            await caller.SendAsync("POST / HTTP/1.1\r\nHost: orders\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n");
            response = await caller.ReadMessageAsync();
        }

        response!.Status.ShouldBe(417);
        response.Text.ShouldBe("no");
        await pair.IdleInFlightAsync();
    }

    /// <summary>An answer that does not wait for the body is the answer all the same, and the rest of the body no longer matters.</summary>
    [Fact]
    public async Task Response_BeforeTheBodyWasRead_ReachesTheCaller()
    {
        await using var app = await HttpApp.StartAsync("orders", context =>
        {
            context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
            return context.Response.WriteAsync("big");
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();

        for (var i = 0; i < 3; i++)
        {
            using var response = await http.PostAsync(new Uri("http://orders/"), new ByteArrayContent(new byte[3_000_000]));

            response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
            (await response.Content.ReadAsStringAsync()).ShouldBe("big");
        }
    }
}
