using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests;

/// <summary>
/// WebSockets: HTTP/1.1 Upgrade (or HTTP/2 extended CONNECT, RFC 8441) from the caller, extended CONNECT between the
/// sidecars, Upgrade to the application.
/// </summary>
public sealed class WebSocketTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Messages_TextAndBinary_AreEchoed(bool http2)
    {
        await using var app = await HttpApp.StartAsync("orders", EchoAsync);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var socket = await ConnectAsync(pair, http2);

        for (var i = 0; i < 100; i++)
        {
            await socket.SendAsync(Encoding.UTF8.GetBytes($"grün {i}"), WebSocketMessageType.Text, true, default);
            var (type, bytes) = await ReceiveAsync(socket);
            type.ShouldBe(WebSocketMessageType.Text);
            Encoding.UTF8.GetString(bytes).ShouldBe($"grün {i}");
        }

        await socket.SendAsync(new byte[] { 0, 255 }, WebSocketMessageType.Binary, true, default);
        (await ReceiveAsync(socket)).Bytes.ShouldBe([0, 255]);
        socket.SubProtocol.ShouldBe("chat");
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default).WaitAsync(Patience);
        socket.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
        socket.CloseStatusDescription.ShouldBe("bye");
        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Message_OfManyMegabytes_IsEchoedWhole()
    {
        await using var app = await HttpApp.StartAsync("orders", EchoAsync);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var socket = await ConnectAsync(pair);
        var big = RandomNumberGenerator.GetBytes(8_000_000);

        var sending = socket.SendAsync(big, WebSocketMessageType.Binary, true, default);
        var (_, bytes) = await ReceiveAsync(socket);
        await sending;

        SHA256.HashData(bytes).ShouldBe(SHA256.HashData(big));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Close_ByTheApplication_BringsItsCodeAndReason(bool http2)
    {
        await using var app = await HttpApp.StartAsync("orders", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync(Encoding.UTF8.GetBytes("last"), WebSocketMessageType.Text, true, default);
            await socket.CloseAsync((WebSocketCloseStatus)4321, "enough", default);
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var socket = await ConnectAsync(pair, http2, protocol: null);

        (await ReceiveAsync(socket)).Type.ShouldBe(WebSocketMessageType.Text);
        (await ReceiveAsync(socket)).Type.ShouldBe(WebSocketMessageType.Close);
        socket.CloseStatus.ShouldBe((WebSocketCloseStatus)4321);
        socket.CloseStatusDescription.ShouldBe("enough");
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, default);
        await pair.IdleInFlightAsync();
    }

    /// <summary>
    /// The application answers the caller's Close and closes its connection: the caller must get that answer, though FIN
    /// follows a write to the application without another byte in between.
    /// </summary>
    [Fact]
    public async Task Close_ByTheCaller_IsAnsweredByTheApplicationNotBrokenOff()
    {
        await using var app = new TcpApp(async (tcp, _) =>
        {
            using var wire = new Wire(tcp);
            if (await wire.ReadMessageAsync() is not { } request)
            {
                return;
            }

            await wire.SendAsync(Accept(request));
            await wire.SendAsync(new byte[] { 0x81, 2, (byte)'h', (byte)'i' });   // text "hi"
            await wire.SendAsync(new byte[] { 0x88, 2, 0x03, 0xE8 });             // Close, 1000, before the caller's
            (await wire.ReadAsync(8)).Length.ShouldBe(8);                          // the caller's Close, masked; nothing goes back
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        for (var i = 0; i < 10; i++)
        {
            using var caller = await pair.WireAsync();
            await caller.SendAsync(Upgrade());
            (await caller.ReadMessageAsync())!.Status.ShouldBe(101);
            (await caller.ReadAsync(8)).ShouldBe([0x81, 2, (byte)'h', (byte)'i', 0x88, 2, 0x03, 0xE8]);
            await caller.SendAsync(new byte[] { 0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8 });

            (await caller.EndsByFinAsync()).ShouldBeTrue();
        }
    }

    [Fact]
    public async Task Break_OfTheApplication_IsABreakForTheCaller()
    {
        await using var app = new TcpApp(async (tcp, _) =>
        {
            using var wire = new Wire(tcp);
            if (await wire.ReadMessageAsync() is { } request)
            {
                await wire.SendAsync(Accept(request));
                await wire.ReadAsync(1);
                wire.Reset();
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var socket = await ConnectAsync(pair, protocol: null);

        await socket.SendAsync(new byte[1], WebSocketMessageType.Binary, true, default);

        await Should.ThrowAsync<WebSocketException>(() => ReceiveAsync(socket));
        await pair.IdleInFlightAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Break_OfTheCaller_IsABreakForTheApplication(bool http2)
    {
        var ended = new TaskCompletionSource<Exception>();
        await using var app = await HttpApp.StartAsync("orders", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            try
            {
                while (true)
                {
                    await socket.ReceiveAsync(new byte[100], default);
                }
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                ended.SetResult(e);
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        var socket = await ConnectAsync(pair, http2, protocol: null);
        await socket.SendAsync(new byte[1], WebSocketMessageType.Binary, true, default);

        socket.Abort();

        await ended.Task.WaitAsync(Patience);
        await pair.IdleInFlightAsync();
    }

    [Theory]
    [InlineData(403)]
    [InlineData(302)]
    [InlineData(503)]
    public async Task Upgrade_Refused_BringsTheApplicationsAnswer(int status)
    {
        await using var app = await HttpApp.StartAsync("orders", context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers["x-why"] = "because";
            return context.Response.WriteAsync("not today");
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        for (var i = 0; i < 2; i++)
        {
            await caller.SendAsync(Upgrade());
            var response = await caller.ReadMessageAsync();

            response!.Status.ShouldBe(status, $"{string.Join(" | ", response.Headers)} {response.Text}");
            response.Value("x-why").ShouldBe("because");
            response.Text.ShouldBe("not today");
            if (response.Value("connection") == "close")
            {
                return;
            }
        }

        await pair.IdleInFlightAsync();
    }

    /// <summary>The application ignored the Upgrade, as a page in the wrong place would: between sidecars that can't be told from an open socket.</summary>
    [Theory]
    [InlineData(200, "a page")]
    [InlineData(200, "")]
    [InlineData(204, "")]
    public async Task Upgrade_AnsweredWithSuccess_IsAnErrorOfTheApplication(int status, string body)
    {
        await using var app = await HttpApp.StartAsync("orders", context =>
        {
            context.Response.StatusCode = status;
            return body.Length == 0 ? Task.CompletedTask : context.Response.WriteAsync(body);
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync(Upgrade());
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(502);
        response.Value("meshlite-error").ShouldBe("protocol_error");
        response.Text.ShouldContain($"answered {status}");
        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Upgrade_ToAnythingElse_IsRefusedClearly()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        var response = await caller.ReadMessageAsync();

        response!.Status.ShouldBe(400);
        response.Value("meshlite-error").ShouldBe("protocol_error");
        app.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Upgrade_Headers_ReachTheApplication()
    {
        WireMessage? received = null;
        await using var app = new TcpApp(async (tcp, _) =>
        {
            using var wire = new Wire(tcp);
            if (await wire.ReadMessageAsync() is { } request)
            {
                received = request;
                await wire.SendAsync(Accept(request));
                await wire.ReadAsync(1);
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();

        await caller.SendAsync(Upgrade("Origin: http://elsewhere\r\nSec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nCookie: a=1\r\n"));
        var response = await caller.ReadMessageAsync();

        response!.FirstLine.ShouldBe("HTTP/1.1 101 Switching Protocols");
        response.Value("upgrade").ShouldBe("websocket", StringCompareShould.IgnoreCase);
        response.Value("sec-websocket-accept").ShouldBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        received!.FirstLine.ShouldBe("GET /chat?x=%20 HTTP/1.1");
        received.Value("upgrade").ShouldBe("websocket", StringCompareShould.IgnoreCase);
        received.Value("sec-websocket-version").ShouldBe("13");
        received.Value("sec-websocket-protocol").ShouldBe("a, b");
        received.Value("sec-websocket-extensions").ShouldBe("permessage-deflate; client_max_window_bits");
        received.Value("origin").ShouldBe("http://elsewhere");
        received.Value("cookie").ShouldBe("a=1");
        received.Value("meshlite-client-id").ShouldBe("spiffe://cluster.local/ns/shop/sa/frontend");
    }

    /// <summary>A WebSocket open beside it does not hold up a request, nor the other way round.</summary>
    [Fact]
    public async Task Sockets_ManyAtOnce_DoNotDisturbEachOther()
    {
        await using var app = await HttpApp.StartAsync("orders", EchoAsync);
        await using var pair = await MeshPair.StartAsync(app.Port);
        var sockets = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => ConnectAsync(pair)));

        await Task.WhenAll(sockets.Select(async (socket, i) =>
        {
            for (var n = 0; n < 20; n++)
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes($"{i} {n}"), WebSocketMessageType.Text, true, default);
                Encoding.UTF8.GetString((await ReceiveAsync(socket)).Bytes).ShouldBe($"{i} {n}");
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, default).WaitAsync(Patience);
            socket.Dispose();
        }));
        await pair.IdleInFlightAsync();
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync("chat");
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, default);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(socket.CloseStatus!.Value, socket.CloseStatusDescription, default);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, default);
        }
    }

    private static async Task<ClientWebSocket> ConnectAsync(MeshPair pair, bool http2 = false, string? protocol = "chat")
    {
        var socket = new ClientWebSocket();
        socket.Options.HttpVersion = http2 ? HttpVersion.Version20 : HttpVersion.Version11;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        if (protocol is not null)
        {
            socket.Options.AddSubProtocol(protocol);
        }

        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        await socket.ConnectAsync(new Uri("ws://orders/chat"), pair.Http(http2), patience.Token);
        return socket;
    }

    private static async Task<(WebSocketMessageType Type, byte[] Bytes)> ReceiveAsync(ClientWebSocket socket)
    {
        using var patience = new CancellationTokenSource(Patience, TimeProvider.System);
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, patience.Token);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return (received.MessageType, message.ToArray());
            }
        }
    }

    // The key and the answer to it are RFC 6455's own (§1.3).
    private static string Upgrade(string headers = "") =>
        "GET /chat?x=%20 HTTP/1.1\r\nHost: orders\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n";

    private static string Accept(WireMessage request)
    {
        var accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(request.Value("sec-websocket-key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
        return $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n";
    }
}
