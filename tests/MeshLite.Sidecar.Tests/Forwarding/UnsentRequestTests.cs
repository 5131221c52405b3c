using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Forwarding;
using MeshLite.TestKit.Apps;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class UnsentRequestTests
{
    // RFC 9113 §4.1: length, type, flags, stream.
    private static readonly byte[] Settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    private static readonly byte[] GoAwayNothingProcessed = [0, 0, 8, 7, 0, 0, 0, 0, 0, /* last stream */ 0, 0, 0, 0, /* NO_ERROR */ 0, 0, 0, 0];
    private static readonly byte[] GoAwayFirstStreamProcessed = [0, 0, 8, 7, 0, 0, 0, 0, 0, /* last stream */ 0, 0, 0, 1, /* NO_ERROR */ 0, 0, 0, 0];

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task FromSend_StreamAboveGoAwaysLast_IsUndelivered(string method)
    {
        var error = ForwardErrors.FromSend(await SendAsync(method, GoAwayNothingProcessed));

        error.Undelivered.ShouldBeTrue();
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task FromSend_StreamUpToGoAwaysLastBreaksOff_IsNotUndelivered(string method)
    {
        var error = ForwardErrors.FromSend(await SendAsync(method, GoAwayFirstStreamProcessed));

        error.Undelivered.ShouldBeFalse();
    }

    // A server that takes the request's headers, says GOAWAY, and closes.
    private static async Task<HttpRequestException> SendAsync(string method, byte[] goAway)
    {
        await using var server = new TcpApp(async (socket, cancellation) =>
        {
            await socket.SendAsync(Settings, cancellation);
            var received = new List<byte>();
            var buffer = new byte[4096];
            while (!HasHeaders(received))
            {
                var read = await socket.ReceiveAsync(buffer, cancellation);
                received.AddRange(buffer.AsSpan(0, read));
                if (read == 0)
                {
                    return;
                }
            }

            await socket.SendAsync(goAway, cancellation);
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(buffer, cancellation) > 0)
            {
            }
        });
        using var handler = HttpHandlers.Create(
            async (_, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, server.Port, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
            TimeSpan.FromMinutes(1));
        using var client = new HttpMessageInvoker(handler);
        using var request = new HttpRequestMessage(new HttpMethod(method), "http://server/")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return await Should.ThrowAsync<HttpRequestException>(() => client.SendAsync(request, TestContext.Current.CancellationToken));
    }

    // After the preface of 24 bytes: frames; HEADERS is type 1.
    private static bool HasHeaders(List<byte> received)
    {
        for (var at = 24; at + 9 <= received.Count; at += 9 + ((received[at] << 16) | (received[at + 1] << 8) | received[at + 2]))
        {
            if (received[at + 3] == 1)
            {
                return true;
            }
        }

        return false;
    }
}
