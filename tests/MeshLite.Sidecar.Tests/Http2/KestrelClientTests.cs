using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Listeners;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>Against the server that is at the other end of every hop: Kestrel, with a sidecar's limits.</summary>
public sealed class KestrelClientTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<Http2Connection> _connections = new();
    private WebApplication _host = null!;
    private HttpMessageInvoker _client = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            MeshServerLimits.Apply(kestrel);
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2);
        });
        _host = builder.Build();
        _host.Run(AnswerAsync);
        await _host.StartAsync();
        _client = new HttpMessageInvoker(new Http2Handler(ConnectAsync));
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Echoes_InParallel_BringTheirBytes()
    {
        await ManyAsync(300, 32, async random =>
        {
            var body = new byte[random.Next(4) == 0 ? random.Next(300_000) : random.Next(3_000)];
            random.NextBytes(body);
            using var response = await _client.SendAsync(Request("/echo", body, random), CancellationToken.None);
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
            (await ReadAsync(response, random)).ShouldBe(body);
            response.TrailingHeaders.NonValidated["x-length"].ToString().ShouldBe($"{body.Length}");
        });
        _connections.Count.ShouldBe(1);
    }

    /// <summary>As a gRPC call of both streams: each message is answered before the next is sent.</summary>
    [Fact]
    public async Task Duplex_GoesBothWaysAtOnce()
    {
        await ManyAsync(20, 5, async random =>
        {
            var requests = System.Threading.Channels.Channel.CreateUnbounded<byte[]>();
            var content = new WrittenContent(async (to, cancellation) =>
            {
                await foreach (var message in requests.Reader.ReadAllAsync(cancellation))
                {
                    await to.WriteAsync(message, cancellation);
                }
            });
            using var response = await _client.SendAsync(
                new HttpRequestMessage(HttpMethod.Post, Uri("/echo")) { Content = content }, CancellationToken.None);
            var body = await response.Content.ReadAsStreamAsync();
            for (var i = 0; i < 50; i++)
            {
                var message = new byte[1 + random.Next(i == 25 ? 200_000 : 500)];
                random.NextBytes(message);
                requests.Writer.TryWrite(message);
                var answer = new byte[message.Length];
                await body.ReadExactlyAsync(answer);
                answer.ShouldBe(message);
            }

            requests.Writer.Complete();
            (await body.ReadAsync(new byte[1])).ShouldBe(0);
        });
    }

    /// <summary>The server breaks off at random, callers give up at random: what comes is right as far as it goes, and each ends.</summary>
    [Fact]
    public async Task BrokenAtRandom_EachEnds_WithBytesThatAreRight()
    {
        var whole = 0;
        await ManyAsync(300, 16, async random =>
        {
            var body = new byte[random.Next(100_000)];
            random.NextBytes(body);
            using var cancellation = new CancellationTokenSource();
            var givesUp = random.Next(4) == 0;
            if (givesUp)
            {
                cancellation.CancelAfter(random.Next(20));
            }

            try
            {
                using var response = await _client.SendAsync(Request($"/broken/{random.Next(10)}", body, random), cancellation.Token);
                var read = await ReadAsync(response, random, upTo: random.Next(3) == 0 ? random.Next(body.Length + 1) : int.MaxValue);
                body.AsSpan().StartsWith(read).ShouldBeTrue();
                whole += read.Length == body.Length ? 1 : 0;
            }
            catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && givesUp))
            {
                // One or the other broke off.
            }
        });
        whole.ShouldBeGreaterThan(0);

        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        using var after = await _client.SendAsync(Request("/echo", [1, 2, 3], new Random(1)), CancellationToken.None);
        (await after.Content.ReadAsByteArrayAsync()).ShouldBe([1, 2, 3]);
    }

    private static async Task ManyAsync(int count, int atOnce, Func<Random, Task> body) =>
        await Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = atOnce }, async (i, _) => await body(new Random(i)).WaitAsync(Patience));

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, Random random, int upTo = int.MaxValue)
    {
        var body = await response.Content.ReadAsStreamAsync();
        using var all = new MemoryStream();
        while (all.Length < upTo)
        {
            if (random.Next(8) == 0)
            {
                await Task.Yield();
            }

            if (random.Next(8) == 0)
            {
                (await body.ReadAsync(Array.Empty<byte>())).ShouldBe(0);
            }

            var buffer = new byte[1 + random.Next(random.Next(2) == 0 ? 100 : 70_000)];
            var read = await body.ReadAsync(buffer);
            if (read == 0)
            {
                break;
            }

            all.Write(buffer, 0, read);
        }

        return all.ToArray();
    }

    private string Uri(string path) => $"{_host.Urls.Single()}{path}";

    private HttpRequestMessage Request(string path, byte[] body, Random random) => new(HttpMethod.Post, Uri(path))
    {
        Content = random.Next(2) == 0 ? new ByteArrayContent(body) : new WrittenContent(async (to, cancellation) =>
        {
            for (var at = 0; at < body.Length;)
            {
                var piece = Math.Min(body.Length - at, 1 + random.Next(40_000));
                await to.WriteAsync(body.AsMemory(at, piece), cancellation);
                at += piece;
            }
        }),
    };

    private async Task<Http2Connection> ConnectAsync(Action<Http2Connection> unusable, CancellationToken cancellation)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(_host.Urls.Single()).Port, cancellation);
        var connection = await Http2Connection.OpenAsync(new NetworkStream(socket, ownsSocket: true), Http2Idling.Mesh, unusable, TimeProvider.System, cancellation);
        _connections.Enqueue(connection);
        return connection;
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        var breaksAfter = path.StartsWith("/broken/", StringComparison.Ordinal) && path[^1] > '4' ? (path[^1] - '5') * 20_000 : int.MaxValue;
        var buffer = new byte[20_000];
        var length = 0;
        await context.Response.Body.FlushAsync(); // the head, whatever comes
        while (await context.Request.Body.ReadAsync(buffer) is > 0 and var read)
        {
            await context.Response.Body.WriteAsync(buffer.AsMemory(0, read));
            length += read;
            if (length > breaksAfter)
            {
                switch (path[^1] % 3)
                {
                    case 0:
                        context.Abort();
                        return;
                    case 1:
                        context.Features.GetRequiredFeature<IHttpResetFeature>().Reset(2);
                        return;
                    default:
                        return; // whole, as far as it goes
                }
            }
        }

        context.Response.AppendTrailer("x-length", $"{length}");
    }
}
