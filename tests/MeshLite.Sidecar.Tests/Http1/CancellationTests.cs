using MeshLite.Sidecar.Tests.Http2;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Whoever wants a response no more costs its connection, and nobody else's.</summary>
public sealed class CancellationTests
{
    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")]
    public async Task Cancelled_BeforeItsHead_ClosesTheConnection(string said)
    {
        using var server = new ScriptedServer();
        using var cancellation = new CancellationTokenSource();
        var content = WrittenContent.Of(5_000_000, isDeclared: true);
        var (response, connection) = await server.BeginAsync(HttpMethod.Post, content, cancellation.Token);
        await connection.SayAsync(said);
        await cancellation.CancelAsync();

        (await ScriptedServer.FailureAsync(response)).ShouldBeAssignableTo<OperationCanceledException>()!.CancellationToken.ShouldBe(cancellation.Token);
        await ScriptedServer.FailureAsync(content.Done);
        await connection.ReadToEndAsync();
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Cancelled_OverAConnectionThatHasServed_IsCancelled_NotStale()
    {
        using var server = new ScriptedServer();
        using var cancellation = new CancellationTokenSource();
        var connection = await server.IdleAsync();
        var response = server.Get(cancellation.Token);
        await connection.ReadHeadAsync();
        await cancellation.CancelAsync();

        (await ScriptedServer.FailureAsync(response)).ShouldBeAssignableTo<OperationCanceledException>();
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Cancelled_BeforeItIsSent_IsNotSent_AndTheIdleConnectionStays()
    {
        using var server = new ScriptedServer();
        var connection = await server.IdleAsync();
        (await ScriptedServer.FailureAsync(server.Get(new CancellationToken(canceled: true)))).ShouldBeAssignableTo<OperationCanceledException>();
        await server.ServeAgainAsync(connection);
        server.Accepted.ShouldBe(1);
    }

    [Fact]
    public async Task Cancelled_WhileItConnects_LeavesNothing()
    {
        using var server = new ScriptedServer();
        using var cancellation = new CancellationTokenSource();
        server.Connecting = token => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);
        var response = server.Get(cancellation.Token);
        await cancellation.CancelAsync();

        (await ScriptedServer.FailureAsync(response)).ShouldBeAssignableTo<OperationCanceledException>();
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Cancelled_AsItHasConnected_IsNotSent()
    {
        using var server = new ScriptedServer();
        using var cancellation = new CancellationTokenSource();
        server.Connecting = _ => cancellation.CancelAsync();

        (await ScriptedServer.FailureAsync(server.Get(cancellation.Token))).ShouldBeAssignableTo<OperationCanceledException>();
        (await (await server.AcceptAsync()).ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task Cancelled_AfterItsHead_IsNobodysBusiness()
    {
        using var server = new ScriptedServer();
        using var cancellation = new CancellationTokenSource();
        var (response, connection) = await server.BeginAsync(cancellation: cancellation.Token);
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        var head = await response;
        await cancellation.CancelAsync();
        await connection.SayAsync("whole");

        (await head.Content.ReadAsStringAsync()).ShouldBe("whole");
        await server.ServeAgainAsync(connection);
    }

    [Fact]
    public async Task Cancelled_ReadOfTheBody_ClosesTheConnection()
    {
        using var server = new ScriptedServer();
        var (_, body, connection) = await server.RespondAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        using var cancellation = new CancellationTokenSource();
        var reading = body.ReadAsync(new byte[5], cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        (await ScriptedServer.FailureAsync(reading)).ShouldBeAssignableTo<OperationCanceledException>();
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        server.Unused.ShouldBe(1);
    }

    /// <summary>At any moment, between the call and the answer's end: each request ends as itself, and all connections are accounted for.</summary>
    [Fact]
    public async Task Cancelled_AtAnyMoment_LeavesNothingBehind()
    {
        using var server = new ScriptedServer();
        using var over = new CancellationTokenSource();
        var answering = AcceptAsync(server, over.Token);
        await InParallel.RunAsync(thread =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 300; i++)
            {
                RoundAsync(server, random, $"{thread}-{i}").WaitAsync(ScriptedServer.Patience).GetAwaiter().GetResult();
            }
        });

        server.Handler.Dispose();
        await TestKit.Eventually.TrueAsync(() => server.Handler.Connections == 0, "all connections are gone");
        await over.CancelAsync();
        await answering.WaitAsync(ScriptedServer.Patience);
    }

    private static async Task RoundAsync(ScriptedServer server, Random random, string name)
    {
        using var cancellation = new CancellationTokenSource();
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://example.test/{name}") { Content = random.Next(2) == 0 ? null : WrittenContent.Of(random.Next(200), random.Next(2) == 0) };
        var response = server.Send(request, cancellation.Token);
        var spins = random.Next(40) * random.Next(300);
        await Task.WhenAll(Task.Run(() => Thread.SpinWait(spins)).ContinueWith(_ => cancellation.Cancel(), TaskScheduler.Default), ReadAsync());

        async Task ReadAsync()
        {
            try
            {
                using var head = await response;
                (await head.Content.ReadAsStringAsync(cancellation.Token)).ShouldBe($"answer to /{name}");
            }
            catch (OperationCanceledException)
            {
                cancellation.IsCancellationRequested.ShouldBeTrue();
            }
        }
    }

    private static async Task AcceptAsync(ScriptedServer server, CancellationToken over)
    {
        var connections = new List<Task>();
        try
        {
            while (true)
            {
                connections.Add(AnswerAsync(await server.AcceptAsync().WaitAsync(over)));
            }
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(connections);
        }
    }

    // Answers each head as it comes, once its body is there, until the client closes.
    private static async Task AnswerAsync(ScriptedConnection connection)
    {
        try
        {
            while (true)
            {
                var head = await connection.ReadHeadAsync();
                var answer = $"answer to {head.Split(' ')[1]}";
                if (head.Contains("chunked", StringComparison.Ordinal))
                {
                    for (var size = -1; size != 0;)
                    {
                        size = Convert.ToInt32(await LineAsync(connection), 16);
                        await connection.ReadAsync(size + 2);
                    }
                }
                else
                {
                    var length = head.Split("Content-Length: ")[1];
                    await connection.ReadAsync(int.Parse(length[..length.IndexOf('\r', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture));
                }

                await connection.SayAsync($"HTTP/1.1 200 OK\r\nContent-Length: {answer.Length}\r\n\r\n{answer[..3]}");
                await connection.SayAsync(answer[3..]);
            }
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The client has closed.
        }
    }

    private static async Task<string> LineAsync(ScriptedConnection connection)
    {
        var line = "";
        while (!line.EndsWith("\r\n", StringComparison.Ordinal))
        {
            line += await connection.ReadAsync(1);
        }

        return line.TrimEnd();
    }
}
