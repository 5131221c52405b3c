using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>The server ends the connection, at each moment: what a request says of it.</summary>
public sealed class ServerEndsTests
{
    private const string Reset = "reset";
    private const string End = "end";

    [Theory]
    [InlineData("", End)]
    [InlineData("", Reset)]
    [InlineData("HTTP/1.1 2", End)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", End)]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n", End)]
    public async Task BeforeTheHeadIsWhole_NewConnection_BrokeOff(string said, string how)
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync();
        await connection.SayAsync(said);
        Finish(connection, how);

        (await ScriptedServer.FailureAsync(response)).ShouldSatisfyAllConditions(e => e.ShouldBeAssignableTo<IOException>(), e => e.ShouldNotBeOfType<StaleConnectionException>());
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData("", End, true)]
    [InlineData("", Reset, true)]
    [InlineData("H", End, false)]
    [InlineData("HTTP/1.1 103 Early Hints\r\n\r\n", End, false)]
    public async Task BeforeTheHeadIsWhole_ConnectionThatHasServed_IsStaleUnlessAByteCame(string said, string how, bool stale)
    {
        using var server = new ScriptedServer();
        var connection = await server.IdleAsync();
        await server.ServeAgainAsync(connection);
        var response = server.Get();
        await connection.ReadHeadAsync();
        await connection.SayAsync(said);
        Finish(connection, how);

        var failure = await ScriptedServer.FailureAsync(response);
        failure.ShouldBeAssignableTo<IOException>();
        ForwardErrors.IsStaleConnection(failure).ShouldBe(stale);
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData("Content-Length: 5\r\n\r\nhell", End)]
    [InlineData("Content-Length: 5\r\n\r\n", Reset)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n", End)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n5\r\nhell", End)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n", End)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n", End)]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\nX-Name: value\r\n", Reset)]
    [InlineData("\r\n", Reset)]
    public async Task WithinTheBody_BrokeOff(string said, string how)
    {
        using var server = new ScriptedServer();
        var (response, body, connection) = await server.RespondAsync($"HTTP/1.1 200 OK\r\n{said}");
        var reading = body.CopyToAsync(Stream.Null);
        Finish(connection, how);

        (await ScriptedServer.FailureAsync(reading)).ShouldBeAssignableTo<IOException>();
        (await ScriptedServer.FailureAsync(body.ReadAsync(new byte[1]).AsTask())).ShouldBeAssignableTo<IOException>("and again");
        server.Unused.ShouldBe(1);
        response.Dispose();
        server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "")]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\nsome", " more")]
    [InlineData("HTTP/1.0 200 OK\r\n\r\nsome", " more")]
    public async Task BodyOfNoLength_EndsWithTheConnection(string said, string later)
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync(said);
        await connection.SayAsync(later);
        connection.End();

        using var reader = new StreamReader(body);
        (await reader.ReadToEndAsync()).ShouldBe(said[(said.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..] + later);
        server.Unused.ShouldBe(1);
    }

    /// <summary>What it had to say is heard all the same.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WhileTheBodyIsSent_ItsAnswerIsRead(bool declared)
    {
        using var server = new ScriptedServer();
        var content = Http2.WrittenContent.Of(5_000_000, declared, piece: 100_000);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content);
        await connection.SayAsync("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\ntoo");
        connection.Close();

        ((int)(await response).StatusCode).ShouldBe(413);
        (await (await response).Content.ReadAsStringAsync()).ShouldBe("too");
        await ScriptedServer.FailureAsync(content.Done);
        server.Unused.ShouldBe(1);
    }

    private static void Finish(ScriptedConnection connection, string how)
    {
        if (how == Reset)
        {
            connection.Abort();
        }
        else
        {
            connection.End();
        }
    }
}
