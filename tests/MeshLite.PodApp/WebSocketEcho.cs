using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;

namespace MeshLite.PodApp;

/// <summary>Sends each message back, and closes with the code it is closed with.</summary>
internal static class WebSocketEcho
{
    public static async Task ServeAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync(context.WebSockets.WebSocketRequestedProtocols.FirstOrDefault());
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(received.CloseStatus!.Value, received.CloseStatusDescription, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, received.Count), received.MessageType, received.EndOfMessage, context.RequestAborted);
        }
    }
}

/// <summary>Talks to it and prints what it heard.</summary>
internal static class WebSocketCaller
{
    public static async Task<int> RunAsync(Uri url)
    {
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("echo.v1");
        await socket.ConnectAsync(url, CancellationToken.None);
        Console.WriteLine($"protocol {socket.SubProtocol}");
        var binary = new byte[300_000];
        new Random(1).NextBytes(binary);
        await SayAsync(socket, Encoding.UTF8.GetBytes("grüße"), WebSocketMessageType.Text);
        await SayAsync(socket, binary, WebSocketMessageType.Binary);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", CancellationToken.None);
        Console.WriteLine($"closed {(int)socket.CloseStatus!} {socket.CloseStatusDescription}");
        return 0;
    }

    private static async Task SayAsync(ClientWebSocket socket, byte[] message, WebSocketMessageType type)
    {
        await socket.SendAsync(message, type, endOfMessage: true, CancellationToken.None);
        using var heard = new MemoryStream();
        var buffer = new byte[64 * 1024];
        WebSocketReceiveResult received;
        do
        {
            received = await socket.ReceiveAsync(buffer, CancellationToken.None);
            heard.Write(buffer, 0, received.Count);
        }
        while (!received.EndOfMessage);
        Console.WriteLine($"{received.MessageType} {heard.Length} {Convert.ToHexString(SHA256.HashData(heard.ToArray()))}");
    }
}
