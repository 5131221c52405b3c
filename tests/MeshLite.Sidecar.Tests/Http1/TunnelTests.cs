using System.Net;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>A connection that switched protocols (RFC 9110 §7.8).</summary>
public sealed class TunnelTests
{
    private const string Switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n";

    [Fact]
    public async Task Tunnel_CarriesBothDirections_FirstWordsIncluded()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await BeginAsync(server);
        await connection.SayAsync($"{Switching}welcome");
        (await response).StatusCode.ShouldBe(HttpStatusCode.SwitchingProtocols);
        (await response).Headers.GetValues("Upgrade").ShouldBe(["chat"]);
        var tunnel = await (await response).Content.ReadAsStreamAsync();

        (await tunnel.ReadAsync(Memory<byte>.Empty)).ShouldBe(0);
        var buffer = new byte[4];
        (await tunnel.ReadAsync(buffer)).ShouldBe(4);
        await tunnel.ReadExactlyAsync(buffer.AsMemory(0, 3));
        buffer.ShouldBe("omec"u8.ToArray());
        var reading = tunnel.ReadAsync(buffer).AsTask();
        await tunnel.WriteAsync("hello"u8.ToArray());
        await tunnel.FlushAsync();
        (await connection.ReadAsync(5)).ShouldBe("hello");
        await connection.SayAsync("bye");
        (await reading).ShouldBe(3);
        connection.End();
        (await tunnel.ReadAsync(buffer)).ShouldBe(0);
        await tunnel.WriteAsync("late"u8.ToArray());
        (await connection.ReadAsync(4)).ShouldBe("late");
        server.Handler.Connections.ShouldBe(1);

        await tunnel.DisposeAsync();
        (await response).Dispose();
        server.Unused.ShouldBe(1);
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Tunnel_Disposed_EndsAReadUnderWay_EvenOfAHandlerThatIsGone()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await BeginAsync(server);
        await connection.SayAsync(Switching);
        var tunnel = await (await response).Content.ReadAsStreamAsync();
        server.Handler.Dispose();
        var reading = tunnel.ReadAsync(new byte[1]).AsTask();
        reading.IsCompleted.ShouldBeFalse();
        await tunnel.WriteAsync("x"u8.ToArray());
        (await connection.ReadAsync(1)).ShouldBe("x");
        (await response).Dispose();

        await Record.ExceptionAsync(() => reading.WaitAsync(ScriptedServer.Patience)); // or its end: it is the disposer's own
        reading.IsCompleted.ShouldBeTrue();
        await Should.ThrowAsync<Exception>(async () => await tunnel.WriteAsync("x"u8.ToArray()));
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Refused_HasABody_AndTheConnectionIsKept()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await BeginAsync(server);
        await connection.SayAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
        (await (await response).Content.ReadAsStringAsync()).ShouldBe("no");
        await server.ServeAgainAsync(connection);
    }

    [Fact]
    public async Task Switching_ThatNobodyAskedFor_IsMalformed()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync();
        await connection.SayAsync(Switching);
        (await ScriptedServer.FailureAsync(response)).ShouldBeOfType<HttpRequestException>();
        server.Unused.ShouldBe(1);
    }

    /// <summary>What is left of the body and what goes through the tunnel would run into each other.</summary>
    [Fact]
    public async Task Switching_BeforeTheRequestIsWhole_IsMalformed()
    {
        using var server = new ScriptedServer();
        var content = new Http2.WrittenContent((_, cancellation) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellation), 5);
        var (response, connection) = await BeginAsync(server, content);
        await connection.SayAsync(Switching);
        (await ScriptedServer.FailureAsync(response)).ShouldBeOfType<HttpRequestException>();
        await ScriptedServer.FailureAsync(content.Done);
        server.Unused.ShouldBe(1);
    }

    private static async Task<(Task<HttpResponseMessage> Response, ScriptedConnection Connection)> BeginAsync(ScriptedServer server, HttpContent? content = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "http://example.test/chat") { Content = content };
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.ParseAdd("chat");
        var response = server.Send(request);
        var connection = await server.AcceptAsync();
        (await connection.ReadHeadAsync()).ShouldContain("Upgrade: chat\r\n");
        return (response, connection);
    }
}
