using System.Net;
using Google.Protobuf.WellKnownTypes;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Protocol.Grpc;
using MeshLite.TestKit.Apps;
using static MeshLite.Functional.Tests.Kit.GrpcApp;

namespace MeshLite.Functional.Tests;

/// <summary>gRPC over h2c to the caller's sidecar, through both, over h2c to the application.</summary>
public sealed class GrpcTests
{
    private static readonly GrpcMethod<StringValue, StringValue> Call = Method("Call");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Unary_RoundTrip_BringsMessageAndMetadata()
    {
        await using var app = await StartAsync(server => server.AddUnary(Call, (request, call) =>
        {
            call.ResponseHeaders.Add("x-head", call.GetMetadata("x-there")!);
            call.ResponseTrailers.Add("x-trail-bin", call.GetBinaryMetadata("x-there-bin"));
            return Task.FromResult(Text($"{request.Value} from {call.GetMetadata("meshlite-client-id")}"));
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);

        var response = await channel.UnaryAsync(Call, Text("hello"), new GrpcCallOptions
        {
            Metadata = new GrpcMetadata { { "x-there", "a value" }, { "x-there-bin", (byte[])[0, 255] } },
        });

        response.Value.ShouldBe("hello from spiffe://cluster.local/ns/shop/sa/frontend");
    }

    /// <summary>The same call, seen as HTTP/2: what belongs into trailers comes as trailers.</summary>
    [Fact]
    public async Task Unary_RoundTrip_KeepsHeadersAndTrailersApart()
    {
        await using var app = await StartAsync(server => server.AddUnary(Call, (request, call) =>
        {
            call.ResponseHeaders.Add("x-head", "1");
            call.ResponseTrailers.Add("x-trail-bin", (byte[])[0, 255]);
            return Task.FromResult(request);
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);
        using var request = RawCall(Text("hi"));

        using var response = await http.SendAsync(request);
        var body = await response.Content.ReadAsByteArrayAsync();

        body.Length.ShouldBe(5 + Text("hi").CalculateSize());
        response.Content.Headers.ContentType!.MediaType.ShouldBe("application/grpc");
        response.Headers.GetValues("x-head").ShouldBe(["1"]);
        response.Headers.Contains("grpc-status").ShouldBeFalse();
        response.TrailingHeaders.GetValues("grpc-status").ShouldBe(["0"]);
        response.TrailingHeaders.GetValues("x-trail-bin").ShouldBe(["AP8"]);
    }

    [Fact]
    public async Task ServerStreaming_EachMessage_ComesWhileTheStreamIsOpen()
    {
        var next = new SemaphoreSlim(0);
        await using var app = await StartAsync(server => server.AddServerStreaming(Call, async (request, writer, call) =>
        {
            for (var i = 0; i < 5; i++)
            {
                await next.WaitAsync(call.CancellationToken);
                await writer.WriteAsync(Text($"{request.Value} {i}"));
            }
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        using var call = channel.ServerStreaming(Call, Text("n"), new GrpcCallOptions { Timeout = Patience });

        for (var i = 0; i < 5; i++)
        {
            next.Release();
            (await call.ReadAsync())!.Value.ShouldBe($"n {i}");
        }

        (await call.ReadAsync()).ShouldBeNull();
    }

    [Fact]
    public async Task ClientStreaming_ManyMessages_AllArriveInOrder()
    {
        await using var app = await StartAsync(server => server.AddClientStreaming(Call, async (reader, _) =>
        {
            var all = new List<string>();
            await foreach (var message in reader.ReadAllAsync())
            {
                all.Add(message.Value);
            }

            return Text(string.Join(',', all));
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        using var call = channel.Duplex(Call, new GrpcCallOptions { Timeout = Patience });

        for (var i = 0; i < 500; i++)
        {
            await call.WriteAsync(Text($"{i}"));
        }

        call.Complete();

        (await call.ReadSingleAsync()).Value.ShouldBe(string.Join(',', Enumerable.Range(0, 500)));
    }

    /// <summary>Neither side says anything before it has heard the other: one buffered byte anywhere stops it.</summary>
    [Fact]
    public async Task Bidi_EachWaitingForTheOther_GoesOn()
    {
        await using var app = await StartAsync(server => server.AddDuplex(Call, async (reader, writer, _) =>
        {
            await writer.WriteAsync(Text("begin"));
            await foreach (var message in reader.ReadAllAsync())
            {
                await writer.WriteAsync(message);
            }
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        using var call = channel.Duplex(Call, new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(60) });

        (await call.ReadAsync())!.Value.ShouldBe("begin");
        for (var i = 0; i < 200; i++)
        {
            await call.WriteAsync(Text($"{i}"));
            (await call.ReadAsync())!.Value.ShouldBe($"{i}");
        }

        call.Complete();
        (await call.ReadAsync()).ShouldBeNull();
        await pair.IdleInFlightAsync();
    }

    /// <summary>The server hears what the client says and stays silent until its end: response headers must not wait for a message.</summary>
    [Fact]
    public async Task Bidi_BigMessagesBothWaysAtOnce_Arrive()
    {
        await using var app = await StartAsync(server => server.AddDuplex(Call, async (reader, writer, _) =>
        {
            await foreach (var message in reader.ReadAllAsync())
            {
                await writer.WriteAsync(message);
            }
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        using var call = channel.Duplex(Call, new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(60) });
        var big = new string('x', 1_000_000);

        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < 10; i++)
            {
                await call.WriteAsync(Text(big + i));
            }

            call.Complete();
        });
        var read = 0;
        await foreach (var message in call.ReadAllAsync())
        {
            message.Value.ShouldBe(big + read++);
        }

        await writing;
        read.ShouldBe(10);
    }

    [Fact]
    public async Task Failure_BeforeAnyMessage_IsTrailersOnly()
    {
        await using var app = await StartAsync(server => server.AddUnary(Call, (_, _) =>
            throw new GrpcException(GrpcStatusCode.NotFound, "no such thing: grün", trailers: new GrpcMetadata { { "x-detail", "more" } })));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2: true);
        using var request = RawCall(Text("hi"));

        using var response = await http.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.GetValues("grpc-status").ShouldBe(["5"]);
        response.Headers.GetValues("grpc-message").ShouldBe(["no such thing: gr%C3%BCn"]);
        response.Headers.GetValues("x-detail").ShouldBe(["more"]);
        response.Headers.Contains("meshlite-error").ShouldBeFalse();
        (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        response.TrailingHeaders.ShouldBeEmpty();
    }

    [Fact]
    public async Task Failure_AfterMessages_IsInTrailers()
    {
        await using var app = await StartAsync(server => server.AddServerStreaming(Call, async (_, writer, _) =>
        {
            await writer.WriteAsync(Text("one"));
            throw new GrpcException(GrpcStatusCode.DataLoss, "gone", trailers: new GrpcMetadata { { "x-detail", "more" } });
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        using var call = channel.ServerStreaming(Call, Text("n"), new GrpcCallOptions { Timeout = Patience });

        (await call.ReadAsync())!.Value.ShouldBe("one");
        var failure = await Should.ThrowAsync<GrpcException>(async () => await call.ReadAsync());

        failure.Code.ShouldBe(GrpcStatusCode.DataLoss);
        failure.Message.ShouldBe("gone");
        failure.Trailers.Get("x-detail").ShouldBe("more");
    }

    [Fact]
    public async Task Server_EndingWhileTheClientStillSends_IsHeard()
    {
        await using var app = await StartAsync(server => server.AddClientStreaming(Call, async (reader, _) => (await reader.ReadAsync())!));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        for (var i = 0; i < 20; i++)
        {
            using var call = channel.Duplex(Call, new GrpcCallOptions { Timeout = Patience });

            await call.WriteAsync(Text($"first {i}"));
            var sending = Task.Run(async () =>
            {
                while (true)
                {
                    await call.WriteAsync(Text(new string('x', 10_000)));
                }
            });

            (await call.ReadSingleAsync()).Value.ShouldBe($"first {i}");
            await Should.ThrowAsync<GrpcException>(() => sending.WaitAsync(Patience), "the client is told that nobody reads any more");
        }

        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Server_FailingWhileTheClientStillSends_IsHeard()
    {
        await using var app = await StartAsync(server => server.AddDuplex(Call, async (reader, _, _) =>
        {
            await reader.ReadAsync();
            throw new GrpcException(GrpcStatusCode.ResourceExhausted, "enough");
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        using var call = channel.Duplex(Call, new GrpcCallOptions { Timeout = Patience });

        await call.WriteAsync(Text("first"));
        var failure = await Should.ThrowAsync<GrpcException>(async () => await call.ReadAsync());

        failure.Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
        failure.Message.ShouldBe("enough");
        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Deadline_OfTheCaller_EndsTheCallAtTheApplication()
    {
        var deadline = new TaskCompletionSource<DateTimeOffset?>();
        var cancelled = new TaskCompletionSource();
        await using var app = await StartAsync(server => server.AddUnary(Call, async (_, call) =>
        {
            deadline.TrySetResult(call.Deadline);
            await using var registration = call.HttpContext.RequestAborted.Register(cancelled.SetResult);
            await cancelled.Task;
            return Text("late");
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);

        var failure = await Should.ThrowAsync<GrpcException>(() =>
            channel.UnaryAsync(Call, Text("hi"), new GrpcCallOptions { Timeout = TimeSpan.FromMilliseconds(800) }));

        failure.Code.ShouldBe(GrpcStatusCode.DeadlineExceeded);
        (await deadline.Task.WaitAsync(Patience)).ShouldNotBeNull("grpc-timeout travels on");
        await cancelled.Task.WaitAsync(Patience);
        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Cancellation_OfTheCaller_ReachesTheApplication()
    {
        var began = new TaskCompletionSource();
        var cancelled = new TaskCompletionSource();
        await using var app = await StartAsync(server => server.AddDuplex(Call, async (reader, writer, call) =>
        {
            await using var registration = call.CancellationToken.Register(cancelled.SetResult);
            await reader.ReadAsync();
            await writer.WriteAsync(Text("begun"));
            began.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, call.CancellationToken);
        }));
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);
        var call = channel.Duplex(Call);
        await call.WriteAsync(Text("first"));
        (await call.ReadAsync())!.Value.ShouldBe("begun");
        await began.Task;

        call.Dispose();

        await cancelled.Task.WaitAsync(Patience);
        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Error_OfTheMesh_IsAGrpcStatus()
    {
        await using var app = await StartAsync(_ => { });
        await using var pair = await MeshPair.StartAsync(app.Port);
        await app.DisposeAsync();
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        var channel = Channel(invoker);

        var failure = await Should.ThrowAsync<GrpcException>(() => channel.UnaryAsync(Call, Text("hi")));

        failure.Code.ShouldBe(GrpcStatusCode.Unavailable);
        failure.Message.ShouldStartWith("connect_failure");
        failure.Trailers.Get("meshlite-error").ShouldBe("connect_failure");
    }

    private static GrpcChannel Channel(HttpMessageInvoker http) => new(new Uri("http://orders"), http, new GrpcChannelOptions(), TimeProvider.System);

    private static HttpRequestMessage RawCall(StringValue message)
    {
        var bytes = Google.Protobuf.MessageExtensions.ToByteArray(message);
        var content = new ByteArrayContent([0, 0, 0, 0, (byte)bytes.Length, .. bytes]);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        var request = new HttpRequestMessage(HttpMethod.Post, $"http://orders{Call.Path}")
        {
            Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content,
        };
        request.Headers.TryAddWithoutValidation("TE", "trailers");
        return request;
    }
}
