using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>How long connections are kept, and what becomes of them when their handler is disposed.</summary>
public sealed class IdleTests
{
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(4);

    [Fact]
    public async Task Idle_TooLong_IsClosed_AndNothingIsLookedAtAnyMore()
    {
        using var server = new ScriptedServer(IdleTimeout);
        var connection = await server.IdleAsync();
        server.Time.PendingTimers.ShouldBe(1);
        server.Time.Advance(TimeSpan.FromSeconds(3));
        server.Handler.Connections.ShouldBe(1);
        await server.ServeAgainAsync(connection);
        server.Time.Advance(TimeSpan.FromSeconds(3));
        server.Handler.Connections.ShouldBe(1, "it was used meanwhile");

        server.Time.Advance(TimeSpan.FromSeconds(1));
        server.Handler.Connections.ShouldBe(0);
        server.Unused.ShouldBe(1);
        server.Time.PendingTimers.ShouldBe(0);
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        await server.IdleAsync();
        server.Time.PendingTimers.ShouldBe(1);
    }

    /// <summary>Servers close after 5 s: none may be taken that was idle for longer than 4.</summary>
    [Fact]
    public async Task Idle_SinceBetweenTwoSweeps_IsClosedInTimeToo()
    {
        using var server = new ScriptedServer(IdleTimeout);
        var (response, connection) = await server.BeginAsync();
        await server.IdleAsync();
        server.Time.Advance(TimeSpan.FromSeconds(0.5));
        await connection.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await response;

        server.Time.Advance(IdleTimeout);
        server.Handler.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task Sweep_ClosesOnlyWhatIsOfNoUse()
    {
        using var server = new ScriptedServer(IdleTimeout);
        var (first, ends) = await server.BeginAsync();
        var (second, stays) = await server.BeginAsync();
        var (third, busy) = await server.BeginAsync();
        await stays.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await second;
        server.Time.Advance(TimeSpan.FromSeconds(2));
        await server.ServeAgainAsync(stays);
        await ends.SayAsync("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        await first;
        server.Time.Advance(TimeSpan.FromSeconds(2));
        server.Handler.Connections.ShouldBe(2);

        server.Time.Advance(TimeSpan.FromSeconds(10));
        server.Handler.Connections.ShouldBe(1, "one is at work");
        server.Unused.ShouldBe(0);
        await busy.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await third;
        await server.ServeAgainAsync(busy);
    }

    [Fact]
    public async Task Old_Idle_IsClosed()
    {
        using var server = new ScriptedServer();
        var connection = await server.IdleAsync();
        server.Time.Advance(Http1Limits.Lifetime / 2);
        await server.ServeAgainAsync(connection);
        server.Time.Advance((Http1Limits.Lifetime / 2) - TimeSpan.FromSeconds(1));
        server.Handler.Connections.ShouldBe(1);

        server.Time.Advance(TimeSpan.FromSeconds(1));
        server.Handler.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task Old_AtWork_EndsWithItsResponse()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync();
        server.Time.Advance(Http1Limits.Lifetime);
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        (await (await response).Content.ReadAsStringAsync()).ShouldBe("ok");

        server.Handler.Connections.ShouldBe(0);
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Disposed_IdleConnectionsClose_AndNoRequestIsTaken()
    {
        using var server = new ScriptedServer();
        var connection = await server.IdleAsync();
        server.Handler.Dispose();

        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
        server.Time.PendingTimers.ShouldBe(0);
        (await ScriptedServer.FailureAsync(server.Get())).ShouldBeOfType<UnsentException>();
        server.Handler.Dispose();
        server.Accepted.ShouldBe(1);
        server.Handler.Connections.ShouldBe(0);
    }

    [Fact]
    public async Task Disposed_BeforeTheHead_ResponseComesWhole_ThenItEnds()
    {
        using var server = new ScriptedServer();
        var (response, connection) = await server.BeginAsync();
        server.Handler.Dispose();
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

        (await (await response).Content.ReadAsStringAsync()).ShouldBe("ok");
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
        server.Time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public async Task Disposed_WhileItConnects_ResponseComesWhole_ThenItEnds()
    {
        using var server = new ScriptedServer();
        var connecting = new TaskCompletionSource();
        server.Connecting = _ => connecting.Task;
        var response = server.Get();
        server.Handler.Connections.ShouldBe(1);
        server.Handler.Dispose();
        connecting.SetResult();

        var connection = await server.AcceptAsync();
        await connection.ReadHeadAsync();
        await connection.SayAsync("HTTP/1.1 204 No Content\r\n\r\n");
        await response;
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }
}
