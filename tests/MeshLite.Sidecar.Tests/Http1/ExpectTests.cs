using System.Net;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Tests.Http2;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary><c>Expect: 100-continue</c>: a body that waits for leave (RFC 9110 §10.1.1).</summary>
public sealed class ExpectTests : IDisposable
{
    private readonly ScriptedServer _server = new();
    private readonly WrittenContent _content = WrittenContent.Of(5, isDeclared: true);

    public void Dispose() => _server.Dispose();

    [Theory]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    [InlineData("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")]
    public async Task Leave_BodyIsSent_AndTheConnectionKept(string said)
    {
        var (response, connection) = await BeginAsync();
        await connection.SayAsync(said);
        (await connection.ReadBytesAsync(5)).ShouldBe(WrittenContent.Bytes(0, 5));
        await _content.Done;
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");

        (await (await response).Content.ReadAsStringAsync()).ShouldBe("ok");
        await _server.ServeAgainAsync(connection);
    }

    [Theory]
    [InlineData("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")]
    [InlineData("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")]
    [InlineData("HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\n\r\n")]
    public async Task Refused_BodyIsNotSent_AndTheConnectionEnds(string said)
    {
        var (response, connection) = await BeginAsync();
        await connection.SayAsync(said);
        await (await response).Content.CopyToAsync(Stream.Null);
        _server.Time.Advance(Http1Limits.ContinueTimeout);

        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        _content.Done.IsCompletedSuccessfully.ShouldBeFalse();
        _server.Unused.ShouldBe(1);
    }

    [Fact]
    public async Task NoWord_BodyIsSentAfterASecond_AndALateWordIsNothing()
    {
        var (response, connection) = await BeginAsync();
        await Eventually.TrueAsync(() => _server.Time.PendingTimers == 1, "it waits");
        _server.Time.Advance(Http1Limits.ContinueTimeout - TimeSpan.FromTicks(1));
        _content.Done.IsCompleted.ShouldBeFalse();
        _server.Time.Advance(TimeSpan.FromTicks(1));
        (await connection.ReadBytesAsync(5)).ShouldBe(WrittenContent.Bytes(0, 5));
        await _content.Done;

        await connection.SayAsync("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
        (await response).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        await _server.ServeAgainAsync(connection);
    }

    /// <summary>A server that had no mind to ask: it has accepted the request, and reads the body.</summary>
    [Fact]
    public async Task AcceptedAtOnce_BodyIsSent()
    {
        var (response, connection) = await BeginAsync();
        await connection.SayAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n");
        var head = await response;
        (await connection.ReadBytesAsync(5)).ShouldBe(WrittenContent.Bytes(0, 5));
        await _content.Done;
        await connection.SayAsync("ok");
        (await head.Content.ReadAsStringAsync()).ShouldBe("ok");
        await _server.ServeAgainAsync(connection);
    }

    [Fact]
    public async Task RefusedLate_BodyIsUnderWay_AnswerIsPassedOn()
    {
        var more = new TaskCompletionSource();
        var content = new WrittenContent((_, cancellation) => more.Task.WaitAsync(cancellation), 5);
        var (response, connection) = await BeginAsync(content);
        await connection.SayAsync("HTTP/1.1 100 Continue\r\n\r\n");
        await connection.SayAsync("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");

        (await response).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        _server.Unused.ShouldBe(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Waiting_EndedOrCancelled_BodyIsNotSent(bool cancels)
    {
        using var cancellation = new CancellationTokenSource();
        var (response, connection) = await BeginAsync(cancellation: cancellation.Token);
        await Eventually.TrueAsync(() => _server.Time.PendingTimers == 1, "it waits");
        if (cancels)
        {
            await cancellation.CancelAsync();
        }
        else
        {
            connection.End();
        }

        await ScriptedServer.FailureAsync(response);
        await Eventually.TrueAsync(() => _server.Time.PendingTimers == 0, "it waits no more");
        (await connection.ReadToEndAsync()).ShouldBeEmpty();
        _content.Done.IsCompleted.ShouldBeFalse();
        _server.Unused.ShouldBe(1);
    }

    private async Task<(Task<HttpResponseMessage> Response, ScriptedConnection Connection)> BeginAsync(HttpContent? content = null, CancellationToken cancellation = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, "http://example.test/") { Content = content ?? _content };
        request.Headers.ExpectContinue = true;
        var response = _server.Send(request, cancellation);
        var connection = await _server.AcceptAsync();
        (await connection.ReadHeadAsync()).ShouldContain("Expect: 100-continue");
        return (response, connection);
    }
}
