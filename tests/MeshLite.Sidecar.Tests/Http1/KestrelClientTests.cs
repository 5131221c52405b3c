using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Listeners;
using MeshLite.Sidecar.Sockets;
using MeshLite.Sidecar.Tests.Http2;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Against a server that applications have.</summary>
public sealed class KestrelClientTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private WebApplication _host = null!;
    private Http1Handler _handler = null!;
    private HttpMessageInvoker _client = null!;
    private int _connects;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            MeshServerLimits.Apply(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        _host = builder.Build();
        _host.Run(AnswerAsync);
        await _host.StartAsync();
        _handler = new Http1Handler(ConnectAsync, TimeSpan.FromMinutes(1), TimeProvider.System);
        _client = new HttpMessageInvoker(_handler);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _host.DisposeAsync();
    }

    [Theory]
    [InlineData("GET", "/hello?x=1", HttpStatusCode.OK, "GET /hello?x=1")]
    [InlineData("HEAD", "/hello", HttpStatusCode.OK, "")]
    [InlineData("DELETE", "/none", HttpStatusCode.NoContent, "")]
    [InlineData("POST", "/hello", HttpStatusCode.OK, "POST /hello")]
    public async Task Request_WithoutABody_IsAnswered_OverOneConnection(string method, string path, HttpStatusCode status, string body)
    {
        for (var i = 0; i < 3; i++)
        {
            using var response = await SendAsync(method, path);
            response.StatusCode.ShouldBe(status);
            (await response.Content.ReadAsStringAsync()).ShouldBe(body);
        }

        _connects.ShouldBe(1);
    }

    [Theory]
    [InlineData(true, 1_000)]
    [InlineData(false, 1_000)]
    [InlineData(true, 5_000_000)]
    [InlineData(false, 5_000_000)]
    public async Task Echo_ComesBackWhole_WhileItIsSent(bool declared, int length)
    {
        using var response = await SendAsync("POST", "/echo", WrittenContent.Of(length, declared, piece: 33_333));
        (await response.Content.ReadAsByteArrayAsync()).AsSpan().SequenceEqual(WrittenContent.Bytes(0, length)).ShouldBeTrue();
        await SendAsync("GET", "/hello");
        _connects.ShouldBe(1);
    }

    [Fact]
    public async Task Expect_LeaveIsGivenAsTheBodyIsRead()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"{_host.Urls.Single()}/echo") { Content = WrittenContent.Of(1_000, isDeclared: true) };
        request.Headers.ExpectContinue = true;
        using var response = await _client.SendAsync(request, CancellationToken.None).WaitAsync(Patience);
        (await response.Content.ReadAsByteArrayAsync()).ShouldBe(WrittenContent.Bytes(0, 1_000));
    }

    [Fact]
    public async Task RefusedEarly_AnswerIsRead()
    {
        using var response = await SendAsync("POST", "/refuse", WrittenContent.Of(5_000_000, isDeclared: true));
        response.StatusCode.ShouldBe(HttpStatusCode.RequestEntityTooLarge);
        (await response.Content.ReadAsStringAsync()).ShouldBe("too large");
    }

    [Fact]
    public async Task Upgrade_CarriesBothDirections()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{_host.Urls.Single()}/upgrade");
        request.Headers.Connection.Add("Upgrade");
        request.Headers.Upgrade.ParseAdd("echo");
        using var response = await _client.SendAsync(request, CancellationToken.None).WaitAsync(Patience);
        response.StatusCode.ShouldBe(HttpStatusCode.SwitchingProtocols);
        var tunnel = await response.Content.ReadAsStreamAsync();
        var answer = new byte[5];
        for (var i = 0; i < 10; i++)
        {
            await tunnel.WriteAsync("hello"u8.ToArray());
            await tunnel.ReadExactlyAsync(answer).AsTask().WaitAsync(Patience);
            answer.ShouldBe("hello"u8.ToArray());
        }
    }

    [Fact]
    public async Task Many_AtOnce_EachGetsItsOwnAnswer()
    {
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(async i =>
            {
                var length = (i * 97) % 20_000;
                using var response = i % 2 == 0 ? await SendAsync("GET", $"/hello/{i}") : await SendAsync("POST", "/echo", WrittenContent.Of(length, i % 4 == 1, piece: 5_000));
                var body = await response.Content.ReadAsByteArrayAsync().WaitAsync(Patience);
                body.ShouldBe(i % 2 == 0 ? System.Text.Encoding.ASCII.GetBytes($"GET /hello/{i}") : WrittenContent.Bytes(0, length));
            }));
        }

        _connects.ShouldBeLessThanOrEqualTo(200);
        _handler.Connections.ShouldBe(_connects);
    }

    private Task<HttpResponseMessage> SendAsync(string method, string path, HttpContent? content = null) =>
        _client.SendAsync(new HttpRequestMessage(new HttpMethod(method), $"{_host.Urls.Single()}{path}") { Content = content }, CancellationToken.None).WaitAsync(Patience);

    private async ValueTask<TcpStream> ConnectAsync(CancellationToken cancellation)
    {
        Interlocked.Increment(ref _connects);
        return new TcpStream(await TcpSocket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, new Uri(_host.Urls.Single()).Port), from: null, cancellation));
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        switch (context.Request.Path.Value)
        {
            case "/none":
                context.Response.StatusCode = 204;
                break;
            case "/refuse":
                context.Response.StatusCode = 413;
                await context.Response.WriteAsync("too large");
                break;
            case "/upgrade":
                await using (var tunnel = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync())
                {
                    await tunnel.CopyToAsync(tunnel);
                }

                break;
            case "/echo":
                var buffer = new byte[20_000];
                while (await context.Request.Body.ReadAsync(buffer) is > 0 and var read)
                {
                    await context.Response.Body.WriteAsync(buffer.AsMemory(0, read));
                }

                break;
            default:
                await context.Response.WriteAsync($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
                break;
        }
    }
}
