using System.Net;
using MeshLite.Protocol.Grpc;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>Our server against requests no gRPC client should send, over real connections.</summary>
public sealed class GrpcServerTests : IAsyncLifetime
{
    private readonly ManualTimeProvider _time = new();
    private readonly GrpcServer _server;
    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler { UseProxy = false });
    private EchoServer _host = null!;

    public GrpcServerTests()
    {
        _server = new(new() { MaxReceiveMessageBytes = 100 }, _time, NullLogger<GrpcServer>.Instance);
        new EchoService().AddTo(_server);
    }

    public async ValueTask InitializeAsync() => _host = await EchoServer.StartAsync(_server.HandleAsync, HttpProtocols.Http2);

    public async ValueTask DisposeAsync()
    {
        _invoker.Dispose();
        await _host.DisposeAsync();
    }

    [Theory]
    [InlineData("POST", "text/plain", 415)]
    [InlineData("POST", "application/grpc-web", 415)]
    [InlineData("POST", "application/grpc+json", 415)]
    [InlineData("PUT", "application/grpc", 405)]
    public async Task HandleAsync_NoGrpc_HasHttpStatus(string method, string contentType, int expected)
    {
        using var response = await SendAsync([], contentType: contentType, method: method);

        ((int)response.StatusCode).ShouldBe(expected);
        response.Headers.Contains("grpc-status").ShouldBeFalse();
    }

    [Fact]
    public async Task HandleAsync_Http1_IsAskedToUpgrade()
    {
        await using var host = await EchoServer.StartAsync(_server.HandleAsync, HttpProtocols.Http1);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(host.Address, "/meshlite.test.Echo/Unary"));

        using var response = await _invoker.SendAsync(request, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.UpgradeRequired);
    }

    [Theory]
    [InlineData(new byte[] { 0, 0, 0, 0, 0 }, "application/grpc; charset=utf-8", null, "1S", "0")]
    [InlineData(new byte[] { }, "application/grpc", null, null, "12")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }, "application/grpc", null, null, "12")]
    [InlineData(new byte[] { 0, 0, 0, 0, 9, 1 }, "application/grpc+proto", null, null, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 1, 0x0A }, "application/grpc", null, null, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 101 }, "application/grpc", null, null, "8")]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, "application/grpc", "gzip", null, "12")]
    [InlineData(new byte[] { 1, 0, 0, 0, 0 }, "application/grpc", null, null, "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0 }, "application/grpc", null, "soon", "13")]
    [InlineData(new byte[] { 0, 0, 0, 0, 0 }, "application/grpc", null, "0n", "4")]
    public async Task HandleAsync_Body_EndsWithStatus(byte[] body, string contentType, string? encoding, string? timeout, string expected)
    {
        using var response = await SendAsync(body, contentType, encoding, timeout);
        await response.Content.ReadAsByteArrayAsync();

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.GetValues("grpc-accept-encoding").ShouldBe(["identity"]);
        var status = expected == "0" ? response.TrailingHeaders : response.Headers;
        status.GetValues("grpc-status").ShouldBe([expected]);
    }

    [Fact]
    public async Task HandleAsync_DeadlinePasses_AnswersThoughTheCallerDoesNotHangUp()
    {
        var body = new byte[] { 0, 0, 0, 0, 2, 0x30, 1 };   // hang = true
        var sending = SendAsync(body, timeout: "3S");
        await WaitAsync(() => _time.PendingTimers == 1);
        sending.IsCompleted.ShouldBeFalse();

        _time.Advance(TimeSpan.FromSeconds(3));

        using var response = await sending;
        response.Headers.GetValues("grpc-status").ShouldBe(["4"]);
    }

    private async Task<HttpResponseMessage> SendAsync(
        byte[] body, string contentType = "application/grpc", string? encoding = null, string? timeout = null, string method = "POST")
    {
        var request = new HttpRequestMessage(new(method), new Uri(_host.Address, "/meshlite.test.Echo/Unary"))
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = new ByteArrayContent(body),
        };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        if (encoding is not null)
        {
            request.Headers.Add("grpc-encoding", encoding);
        }

        if (timeout is not null)
        {
            request.Headers.Add("grpc-timeout", timeout);
        }

        return await _invoker.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static async Task WaitAsync(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
