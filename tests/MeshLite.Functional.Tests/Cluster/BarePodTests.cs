using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Sidecar;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests.Cluster;

/// <summary>Calls to Pods without a sidecar: in plaintext, as the caller made them.</summary>
public sealed class BarePodTests
{
    private static readonly Uri Orders = new("http://orders/items?x=%2F");

    private readonly ConcurrentQueue<(string Line, string Headers, string Body)> _received = new();

    [Theory]
    [InlineData(HttpProtocols.Http1)]
    [InlineData(HttpProtocols.Http2)]
    public async Task Call_ItsApplication_GetsWhatWasSentAndNothingOfTheMesh(HttpProtocols protocols)
    {
        var (mesh, client) = await StartAsync(AnswerAsync, protocols);
        await using var end = mesh;
        using var http = MeshFixture.Client(client, http2: protocols == HttpProtocols.Http2);

        using var response = await http.SendAsync(new HttpRequestMessage(HttpMethod.Post, Orders)
        {
            Content = new StringContent("hello"), Headers = { { "x-own", "1" } },
            Version = http.DefaultRequestVersion, VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        });

        response.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await response.Content.ReadAsStringAsync()).ShouldBe("hello");
        var received = _received.ShouldHaveSingleItem();
        received.Line.ShouldBe($"POST /items?x=%2F HTTP/{(protocols == HttpProtocols.Http2 ? "2" : "1.1")} orders");
        received.Body.ShouldBe("hello");
        received.Headers.ShouldContain("x-own");
        received.Headers.Split(' ').Where(name => name.StartsWith("meshlite-", StringComparison.OrdinalIgnoreCase)).ShouldBeSubsetOf(["meshlite-timeout"]);
        // What it says for the mesh, nobody believes.
        response.Headers.ShouldNotContain(h => h.Key.StartsWith("meshlite-", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Call_ItAnswersUndelivered_IsNotSentAgain()
    {
        var (mesh, client) = await StartAsync(context =>
        {
            _received.Enqueue((context.Request.Method, "", ""));
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers["meshlite-undelivered"] = "1";
            return Task.CompletedTask;
        });
        await using var end = mesh;
        using var http = MeshFixture.Client(client);

        (await http.PostAsync(Orders, new StringContent("once"))).StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);

        _received.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task WebSocket_IsAnUpgradeAgain()
    {
        var (mesh, client) = await StartAsync(async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync("chat");
            var buffer = new byte[100];
            var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
            await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, true, context.RequestAborted);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", context.RequestAborted);
        });
        await using var end = mesh;
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("chat");
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(client));
        await socket.ConnectAsync(new Uri("ws://orders/chat"), invoker, CancellationToken.None);

        await socket.SendAsync(Encoding.UTF8.GetBytes("grün"), WebSocketMessageType.Text, true, CancellationToken.None);
        var buffer = new byte[100];
        var answer = await socket.ReceiveAsync(buffer, CancellationToken.None);

        Encoding.UTF8.GetString(buffer, 0, answer.Count).ShouldBe("grün");
        socket.SubProtocol.ShouldBe("chat");
        (await socket.ReceiveAsync(buffer, CancellationToken.None)).CloseStatusDescription.ShouldBe("bye");
    }

    [Fact]
    public async Task Tunnel_CarriesBytesToIt()
    {
        var (mesh, client) = await StartAsync(AnswerAsync);
        await using var end = mesh;
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(client.OutboundAddress);
        await using var stream = tcp.GetStream();
        using var reader = new StreamReader(stream, Encoding.ASCII);

        await stream.WriteAsync("CONNECT orders:80 HTTP/1.1\r\nHost: orders:80\r\n\r\n"u8.ToArray());
        (await reader.ReadLineAsync())!.ShouldContain(" 200");
        while (await reader.ReadLineAsync() is { Length: > 0 })
        {
        }

        await stream.WriteAsync("GET /raw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray());
        (await reader.ReadLineAsync()).ShouldBe("HTTP/1.1 201 Created");
        _received.ShouldHaveSingleItem().Headers.ShouldNotContain("meshlite-");
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var body = await new StreamReader(context.Request.Body).ReadToEndAsync();
        _received.Enqueue(($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString} {context.Request.Protocol} {context.Request.Host}", string.Join(' ', context.Request.Headers.Keys), body));
        context.Response.StatusCode = StatusCodes.Status201Created;
        context.Response.Headers["meshlite-error"] = "denied";
        await context.Response.WriteAsync(body);
    }

    private static async Task<(ClusterMesh Mesh, SidecarComponents Client)> StartAsync(RequestDelegate handler, HttpProtocols protocols = HttpProtocols.Http1)
    {
        var mesh = await ClusterMesh.StartAsync();
        await mesh.BarePodAsync("orders-2", handler, protocols);
        mesh.PutService("orders", "orders-2");
        await mesh.KnownAsync("orders");
        return (mesh, await mesh.ClientAsync("front-9"));
    }
}
