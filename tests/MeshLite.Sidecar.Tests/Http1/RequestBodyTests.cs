using System.Net;
using MeshLite.Sidecar.Tests.Http2;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>The request's body beside its response: which of them ends first, and how.</summary>
public sealed class RequestBodyTests
{
    private const string NoContent = "HTTP/1.1 204 No Content\r\n\r\n";

    private readonly TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Answer_BeforeTheBodyIsWhole_IsPassedOn_AndBothGoOn()
    {
        using var server = new ScriptedServer();
        var content = Halting("he", "llo", 5);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        (await connection.ReadAsync(2)).ShouldBe("he");
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        var body = await (await response).Content.ReadAsStreamAsync();
        await body.ReadExactlyAsync(new byte[1]);

        _more.SetResult();
        (await connection.ReadAsync(3)).ShouldBe("llo");
        await content.Done;
        await connection.SayAsync("k");
        await body.CopyToAsync(Stream.Null);
        await server.ServeAgainAsync(connection);
    }

    [Theory]
    [InlineData(NoContent)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")]
    public async Task Response_WholeBeforeTheBody_StopsIt_AndEndsTheConnection(string said)
    {
        using var server = new ScriptedServer();
        var content = Halting("he", "llo", null);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        (await connection.ReadAsync(7)).ShouldBe("2\r\nhe\r\n");
        await connection.SayAsync(said);
        await (await response).Content.CopyToAsync(Stream.Null);

        (await ScriptedServer.FailureAsync(content.Done)).ShouldBeAssignableTo<OperationCanceledException>();
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }

    /// <summary>Whoever gives the body may have more to do once the last byte is out: that is no part of the next exchange.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("more than was said")]
    public async Task Content_StillAtWorkBehindItsLastByte_IsNoPartOfTheNextExchange(string more)
    {
        using var server = new ScriptedServer();
        var content = Halting("hello", more, 5);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        (await connection.ReadAsync(5)).ShouldBe("hello");
        await connection.SayAsync(NoContent);
        (await response).Dispose();
        await Eventually.TrueAsync(() => server.Handler.Idle == 1, "it is idle");
        var next = server.Get();
        await connection.ReadHeadAsync();

        _more.SetResult();
        await Record.ExceptionAsync(() => content.Done);
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        (await (await next).Content.ReadAsStringAsync()).ShouldBe("ok");
        await server.ServeAgainAsync(connection);
    }

    [Fact]
    public async Task NextExchange_Cancelled_FormerBodyIsNotStopped()
    {
        using var server = new ScriptedServer();
        var stop = CancellationToken.None;
        var content = new WrittenContent(
            async (to, cancellation) =>
            {
                stop = cancellation;
                await to.WriteAsync("hello"u8.ToArray());
                await _more.Task;
            },
            5);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        await connection.ReadBytesAsync(5);
        await connection.SayAsync(NoContent);
        await response;
        await Eventually.TrueAsync(() => server.Handler.Idle == 1, "it is idle");
        using var cancellation = new CancellationTokenSource();
        var next = server.Get(cancellation.Token);
        await connection.ReadHeadAsync();
        await cancellation.CancelAsync();
        await ScriptedServer.FailureAsync(next);

        stop.CanBeCanceled.ShouldBeTrue();
        stop.IsCancellationRequested.ShouldBeFalse();
        _more.SetResult();
        await content.Done;
    }

    [Theory]
    [InlineData(10)]
    [InlineData(null)]
    public async Task Body_BreaksOff_RequestFailsWithIt_AndTheConnectionEnds(int? length)
    {
        using var server = new ScriptedServer();
        var content = new WrittenContent(
            async (to, _) =>
            {
                await to.WriteAsync("hello"u8.ToArray());
                await _more.Task;
                throw new InvalidDataException("the caller broke off");
            },
            length);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        _more.SetResult();

        (await ScriptedServer.FailureAsync(response)).ShouldBeOfType<InvalidDataException>();
        (await connection.ReadToEndAsync()).ShouldBe(length is null ? "5\r\nhello\r\n" : "hello", "no last chunk: it is not whole");
        await server.ForgottenAsync();
    }

    [Theory]
    [InlineData(4)]
    [InlineData(6)]
    public async Task Body_NotAsLongAsItSaid_RequestFails(int length)
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, Halting("", "hello", length));
        _more.SetResult();

        (await ScriptedServer.FailureAsync(response)).ShouldBeOfType<HttpRequestException>();
        await connection.ReadToEndAsync();
        await server.ForgottenAsync();
    }

    [Fact]
    public async Task Body_BreaksOffBehindTheResponsesHead_ResponseFails()
    {
        using var server = new ScriptedServer();
        var content = new WrittenContent(async (_, _) =>
        {
            await _more.Task;
            throw new InvalidDataException("the caller broke off");
        });
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        var reading = (await (await response).Content.ReadAsStreamAsync()).CopyToAsync(Stream.Null);
        _more.SetResult();

        (await ScriptedServer.FailureAsync(reading)).ShouldBeAssignableTo<IOException>();
        await server.ForgottenAsync();
    }

    [Theory]
    [InlineData("disposed")]
    [InlineData("malformed")]
    [InlineData("cancelled")]
    public async Task Response_GivenUp_StopsTheBody(string how)
    {
        using var server = new ScriptedServer();
        var content = Halting("he", "llo", 5);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        await connection.SayAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        var body = await (await response).Content.ReadAsStreamAsync();
        if (how == "disposed")
        {
            (await response).Dispose();
        }
        else if (how == "malformed")
        {
            await connection.SayAsync("no chunk\r\n");
            await ScriptedServer.FailureAsync(body.ReadAsync(new byte[1]).AsTask());
        }
        else
        {
            using var cancellation = new CancellationTokenSource();
            var reading = body.ReadAsync(new byte[1], cancellation.Token).AsTask();
            await cancellation.CancelAsync();
            await ScriptedServer.FailureAsync(reading);
        }

        (await ScriptedServer.FailureAsync(content.Done)).ShouldBeAssignableTo<OperationCanceledException>();
        (await connection.ReadToEndAsync()).ShouldBe("he");
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Large_BothWaysAtOnce(bool declared)
    {
        const int Length = 5_000_000;
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, WrittenContent.Of(Length, declared, piece: 150_000));
        await connection.SayAsync($"HTTP/1.1 200 OK\r\nContent-Length: {Length}\r\n\r\n");
        var expected = WrittenContent.Bytes(0, Length);
        var saying = connection.SayAsync(expected);
        var read = await (await response).Content.ReadAsByteArrayAsync();
        await saying;
        read.AsSpan().SequenceEqual(expected).ShouldBeTrue();
    }

    /// <summary>A piece, and once there is <see cref="_more"/> another.</summary>
    private WrittenContent Halting(string first, string then, int? length) => new(
        async (to, cancellation) =>
        {
            await to.WriteAsync(System.Text.Encoding.ASCII.GetBytes(first), cancellation);
            await _more.Task.WaitAsync(cancellation);
            await to.WriteAsync(System.Text.Encoding.ASCII.GetBytes(then), cancellation);
        },
        length);
}
