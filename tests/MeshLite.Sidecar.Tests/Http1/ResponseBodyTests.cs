namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A response's body as it is read, or not.</summary>
public sealed class ResponseBodyTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\n";

    [Fact]
    public async Task Chunked_WithTrailers_AreTheResponses()
    {
        using var server = new ScriptedServer();
        var (response, body, connection) = await server.RespondAsync($"{Ok}Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\nX-");
        await body.ReadExactlyAsync(new byte[5]);
        response.TrailingHeaders.ShouldBeEmpty();
        await connection.SayAsync("Other: 43\r\n\r\n");

        (await body.ReadAsync(new byte[1])).ShouldBe(0);
        response.TrailingHeaders.GetValues("X-Sum").ShouldBe(["42"]);
        response.TrailingHeaders.GetValues("X-Other").ShouldBe(["43"]);
        await server.ServeAgainAsync(connection);
    }

    [Fact]
    public async Task Chunked_TrailersAreMalformed_Fails()
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync($"{Ok}Transfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n");

        (await ScriptedServer.FailureAsync(body.ReadAsync(new byte[1]).AsTask())).ShouldBeOfType<HttpRequestException>();
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData("Content-Length: 11\r\n\r\nhello world")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n6;x=y\r\nello w\r\n4\r\norld\r\n0\r\n\r\n")]
    public async Task Body_InWhateverPieces_IsWhole(string said)
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync(Ok + said[..(said.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)]);
        var reading = new StreamReader(body).ReadToEndAsync();
        foreach (var letter in said[(said.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..])
        {
            await connection.SayAsync($"{letter}");
        }

        (await reading.WaitAsync(ScriptedServer.Patience)).ShouldBe("hello world");
        await server.ServeAgainAsync(connection);
    }

    [Theory]
    [InlineData("Content-Length: 2\r\n\r\n", "ok", "")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n", "2\r\nok", "\r\n0\r\n\r\n")]
    public async Task Read_OfNothing_OnlyWaits(string head, string said, string then)
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync(Ok + head);
        var waiting = body.ReadAsync(Memory<byte>.Empty).AsTask();
        waiting.IsCompleted.ShouldBeFalse();
        await connection.SayAsync(said);
        (await waiting.WaitAsync(ScriptedServer.Patience)).ShouldBe(0);
        (await body.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);

        var buffer = new byte[10];
        await body.ReadExactlyAsync(buffer.AsMemory(0, 2));
        buffer[..2].ShouldBe("ok"u8.ToArray());
        await connection.SayAsync(then);
        (await body.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);
        (await body.ReadAsync(buffer)).ShouldBe(0);
        (await body.ReadAsync(buffer)).ShouldBe(0);
        await server.ServeAgainAsync(connection);
    }

    [Fact]
    public async Task Read_OfNothing_ServerEnds_IsToldSo()
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync($"{Ok}Content-Length: 2\r\n\r\n");
        var waiting = body.ReadAsync(Memory<byte>.Empty).AsTask();
        connection.End();

        (await ScriptedServer.FailureAsync(waiting)).ShouldBeOfType<IOException>();
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n\r\nhello", 0, true)]
    [InlineData("Content-Length: 5\r\n\r\nhello", 1, true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0, true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 5, true)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n4\r\nello\r\n0\r\nX-Name: value\r\n\r\n", 1, true)]
    [InlineData("Content-Length: 5\r\n\r\nhell", 1, false)]
    [InlineData("Content-Length: 5\r\n\r\n", 0, false)]
    [InlineData("Content-Length: 5\r\n\r\nhello!", 1, false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n", 0, false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", 1, false)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhello no chunk", 1, false)]
    [InlineData("\r\nhello", 1, false)]
    public async Task Disposed_BeforeItsEnd_ConnectionIsKeptIfTheRestIsThere(string said, int read, bool kept)
    {
        using var server = new ScriptedServer();
        var (response, body, connection) = await server.RespondAsync(Ok + said);
        await body.ReadExactlyAsync(new byte[read]);
        response.Dispose();
        response.Dispose();

        server.Handler.Connections.ShouldBe(kept ? 1 : 0);
        (await ScriptedServer.FailureAsync(body.ReadAsync(new byte[1]).AsTask())).ShouldBeOfType<ObjectDisposedException>("not an end that looks whole");
        if (kept)
        {
            await server.ServeAgainAsync(connection);
            await body.DisposeAsync();
            await server.ServeAgainAsync(connection);
        }
        else
        {
            (await connection.ReadToEndAsync()).ShouldBeEmpty();
            server.Unused.ShouldBe(1);
        }
    }

    /// <summary>Closing wakes a read as the server's end would: often enough, it must not be taken for one.</summary>
    [Theory]
    [InlineData("Content-Length: 5\r\n\r\n")]
    [InlineData("\r\n")]
    public async Task Disposed_WhileItIsRead_ReadFails_AndTheConnectionEnds(string said)
    {
        for (var i = 0; i < 100; i++)
        {
            using var server = new ScriptedServer();
            var (response, body, connection) = await server.RespondAsync(Ok + said);
            var reading = body.ReadAsync(new byte[5]).AsTask();
            response.Dispose();

            (await ScriptedServer.FailureAsync(reading)).ShouldBeAssignableTo<IOException>();
            (await connection.ReadToEndAsync()).ShouldBeEmpty();
            server.Unused.ShouldBe(1);
        }
    }

    [Fact]
    public async Task Disposed_AfterItsEnd_NextExchangeIsNotTouched()
    {
        using var server = new ScriptedServer();
        var (response, body, connection) = await server.RespondAsync($"{Ok}Content-Length: 5\r\n\r\nhello");
        await body.ReadExactlyAsync(new byte[5]);
        var next = server.Get();
        await connection.ReadHeadAsync();
        response.Dispose();
        await body.DisposeAsync();
        (await body.ReadAsync(new byte[1])).ShouldBe(0);

        await connection.SayAsync($"{Ok}Content-Length: 4\r\n\r\nnext");
        (await (await next).Content.ReadAsStringAsync()).ShouldBe("next");
    }

    [Fact]
    public async Task Read_Twice_AtOnce_IsRefused()
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync($"{Ok}Content-Length: 5\r\n\r\n");
        var reading = body.ReadAsync(new byte[5]).AsTask();
        await Should.ThrowAsync<InvalidOperationException>(() => ReadAsync());
        await connection.SayAsync("hello");
        (await reading).ShouldBe(5);

        async Task<int> ReadAsync() => await body.ReadAsync(new byte[5]);
    }

    /// <summary>Whichever comes first, no exchange but its own is touched.</summary>
    [Fact]
    public async Task Disposed_AsItEnds_NextExchangeIsNotTouched()
    {
        using var server = new ScriptedServer();
        var random = new Random(1);
        ScriptedConnection? connection = null;
        for (var i = 0; i < 1000; i++)
        {
            var get = server.Get();
            connection = await NextAsync(server, connection);
            await connection.SayAsync($"{Ok}Content-Length: 5\r\n\r\nhell");
            var response = await get;
            var body = await response.Content.ReadAsStreamAsync();
            await body.ReadExactlyAsync(new byte[4]);
            var reading = body.ReadAsync(new byte[1]).AsTask();
            var spins = random.Next(2000);
            var disposing = Task.Run(() =>
            {
                Thread.SpinWait(spins);
                response.Dispose();
            });
            await connection.SayAsync("o");
            var broke = await Record.ExceptionAsync(() => reading);
            broke?.ShouldBeAssignableTo<IOException>();
            await disposing;
        }

        server.Handler.Connections.ShouldBeLessThanOrEqualTo(1);
    }

    // Over the connection there is, or a new one where that was closed.
    private static async Task<ScriptedConnection> NextAsync(ScriptedServer server, ScriptedConnection? before)
    {
        if (before is not null)
        {
            try
            {
                await before.ReadHeadAsync();
                return before;
            }
            catch (IOException)
            {
                // It was closed.
            }
        }

        var connection = await server.AcceptAsync();
        await connection.ReadHeadAsync();
        return connection;
    }
}
