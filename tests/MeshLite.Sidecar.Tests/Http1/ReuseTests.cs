using System.Net;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Which connections take a further request.</summary>
public sealed class ReuseTests
{
    [Fact]
    public async Task Send_SeveralIdle_TheOneThatWasUsedLastIsTaken()
    {
        using var server = new ScriptedServer();
        var (first, older) = await server.BeginAsync();
        var (second, newer) = await server.BeginAsync();
        await older.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await first;
        await newer.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await second;

        await server.ServeAgainAsync(newer);
        var third = server.Get();
        await newer.ReadHeadAsync();
        await server.ServeAgainAsync(older);
        await newer.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await third;
        await server.ServeAgainAsync(newer);
        server.Accepted.ShouldBe(2);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", true)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", true)]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", true)]
    [InlineData("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", true)]
    [InlineData("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false)]
    [InlineData("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false)]
    [InlineData("HTTP/1.1 204 No Content\r\nConnection: keep-alive, Close\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nX", false)]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\nbody", false)]
    [InlineData("HTTP/1.1 304 Not Modified\r\n\r\nbody", false)]
    public async Task Response_Whole_ConnectionIsKeptOrClosed(string said, bool kept)
    {
        using var server = new ScriptedServer();
        var (response, body, connection) = await server.RespondAsync(said);
        await body.CopyToAsync(Stream.Null);

        server.Handler.Connections.ShouldBe(kept ? 1 : 0);
        if (kept)
        {
            await server.ServeAgainAsync(connection);
        }
        else
        {
            (await connection.ReadToEndAsync()).ShouldBeEmpty();
            server.Unused.ShouldBe(1);
        }

        response.Dispose();
        server.Handler.Connections.ShouldBe(kept ? 1 : 0, "disposing is nobody's business any more");
    }

    [Fact]
    public async Task ServerEnds_BehindItsResponse_ConnectionIsClosedAtOnce()
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        await connection.SayAsync("ok");
        connection.End();
        await body.ReadExactlyAsync(new byte[2]);

        server.Unused.ShouldBe(1, "no sweep is needed");
    }

    [Fact]
    public async Task Head_SaysTheLengthOfWhatDoesNotCome_ConnectionIsKept()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync(HttpMethod.Head);
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");

        (await response).Content.Headers.ContentLength.ShouldBe(5);
        (await (await response).Content.ReadAsStringAsync()).ShouldBeEmpty();
        await server.ServeAgainAsync(connection);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong", "")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "wrong")]
    public async Task Head_AnsweredWithABody_IsNoAnswerToTheNext(string said, string later)
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync(HttpMethod.Head);
        await connection.SayAsync(said);
        (await response).StatusCode.ShouldBe(HttpStatusCode.OK);
        if (later.Length > 0) // to say nothing fails too, once the client has closed
        {
            await connection.SayAsync(later);
        }

        await server.SweptAsync(0);

        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        await server.IdleAsync();
        server.Accepted.ShouldBe(2);
    }

    [Theory]
    [InlineData("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")]
    [InlineData("x")]
    public async Task Idle_WordsNobodyAskedFor_ConnectionIsClosed(string words)
    {
        using var server = new ScriptedServer();
        var connection = await server.IdleAsync();
        await connection.SayAsync(words);
        await server.SweptAsync(0);

        server.Unused.ShouldBe(1);
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Idle_ServerEnds_ConnectionIsClosedAndForgotten(bool reset)
    {
        using var server = new ScriptedServer();
        var ends = await server.IdleAsync();
        if (reset)
        {
            ends.Abort();
        }
        else
        {
            ends.End();
        }

        await server.SweptAsync(0);
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 408 Request Timeout\r\n\r\n")]
    public async Task Post_ServerHasEndedTheIdleConnection_NothingIsWrittenThere(string lastWords)
    {
        using var server = new ScriptedServer();
        var ended = await server.IdleAsync();
        await ended.SayAsync(lastWords);
        ended.EndSeen();

        var (response, connection) = await server.BeginAsync(HttpMethod.Post);
        await connection.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        (await response).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        (await ended.ReadToEndAsync()).ShouldBeEmpty();
        server.Handler.Connections.ShouldBe(1);
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("PATCH")]
    [InlineData("PROPFIND")]
    public async Task Send_OfWhatMustNotBeSentTwice_AsksTheSystem(string method)
    {
        using var server = new ScriptedServer();
        for (var i = 0; i < 20; i++)
        {
            (await server.IdleAsync()).EndSeen();
            var (response, connection) = await server.BeginAsync(new HttpMethod(method));
            await connection.SayAsync("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            await response;
        }
    }

    [Fact]
    public async Task Get_EndIsKnown_GoesElsewhere()
    {
        using var server = new ScriptedServer();
        using var pair = await SocketPair.CreateAsync();
        var connection = new Http1Connection(new TcpStream(new TcpSocket(pair.Client)), server.Handler, server.Time);
        connection.IsAlive(ask: false).ShouldBeFalse("it is not idle");
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/");
        var first = connection.SendAsync(request, CancellationToken.None);
        await pair.Server.SendAsync("HTTP/1.1 204 No Content\r\n\r\n"u8.ToArray());
        await first.WaitAsync(ScriptedServer.Patience);
        connection.IsAlive(ask: true).ShouldBeTrue();
        pair.Server.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await TestKit.Eventually.TrueAsync(() => !connection.IsAlive(ask: false), "the read under way is told");

        await server.IdleAsync();
        server.Accepted.ShouldBe(1);
    }

    [Fact]
    public async Task Request_ThatCannotBeWritten_Fails_AndLeavesNothing()
    {
        using var server = new ScriptedServer();
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/");
        request.Headers.TryAddWithoutValidation("X-Name", "Zoë 日本");
        (await ScriptedServer.FailureAsync(server.Send(request))).ShouldBeOfType<HttpRequestException>().Message.ShouldContain("X-Name");

        (await (await server.AcceptAsync()).ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Malformed_ClosesTheConnection()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync();
        await connection.SayAsync("SSH-2.0-OpenSSH_9.6\r\n\r\n");

        (await ScriptedServer.FailureAsync(response)).ShouldBeOfType<HttpRequestException>();
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Head_ByteByByte_AndALongOne_AreRead()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync();
        foreach (var letter in "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        {
            await connection.SayAsync($"{letter}");
        }

        (await (await response).Content.ReadAsStringAsync()).ShouldBe("ok");

        var second = server.Get();
        await connection.ReadHeadAsync();
        await connection.SayAsync($"HTTP/1.1 200 OK\r\nX-Long: {new string('x', 60_000)}\r\nContent-Length: 2\r\n\r\n");
        (await second).Headers.NonValidated["X-Long"].ToString().Length.ShouldBe(60_000);
        await connection.SayAsync("ok");
        (await (await second).Content.ReadAsStringAsync()).ShouldBe("ok");
        await server.ServeAgainAsync(connection);

        var third = server.Get();
        await connection.ReadHeadAsync();
        await connection.SayAsync($"HTTP/1.1 200 OK\r\nX-Long: {new string('x', Http1Limits.MaxHead)}");
        (await ScriptedServer.FailureAsync(third)).ShouldBeOfType<HttpRequestException>().Message.ShouldContain("64 KiB");
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Connect_Fails_SoDoesTheRequest_AndNothingIsLeft()
    {
        using var server = new ScriptedServer { Connecting = _ => throw new ConnectException(tls: false, "refused") };
        (await ScriptedServer.FailureAsync(server.Get())).ShouldBeOfType<ConnectException>();

        server.Handler.Connections.ShouldBe(0);
        server.Unused.ShouldBe(1);
    }
}
