using Google.Protobuf;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>Our client against our server and against @grpc/grpc-js's.</summary>
public sealed class GrpcChannelTests(GrpcPeers peers) : IClassFixture<GrpcPeers>
{
    private static readonly GrpcCallOptions Bounded = new() { Timeout = TimeSpan.FromSeconds(20) };

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_WithMetadata_IsAnswered(string peer)
    {
        var channel = await peers.ChannelAsync(peer);
        var metadata = new GrpcMetadata { { "x-test", "printable ASCII" } };
        metadata.Add("x-test-bin", [0, 255, 128]);

        var response = await channel.UnaryAsync(EchoMethods.Unary, new() { Text = "grüße" }, Bounded with { Metadata = metadata });

        response.Text.ShouldBe("grüße");
        response.Metadata.ShouldBe("printable ASCII|00ff80");
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_LargeMessages_ArriveWhole(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var response = await channel.UnaryAsync(
            EchoMethods.Unary, new() { Payload = ByteString.CopyFrom(new byte[3_000_000]), ResponseBytes = 3_000_000 }, Bounded);

        response.Payload.Length.ShouldBe(3_000_000);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ServerStreaming_Hundred_ArriveInOrder(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        using var call = channel.ServerStreaming(EchoMethods.ServerStream, new() { Count = 100, ResponseBytes = 1000 }, Bounded);
        var indexes = new List<int>();
        await foreach (var response in call.ReadAllAsync())
        {
            response.Payload.Length.ShouldBe(1000);
            indexes.Add(response.Index);
        }

        indexes.ShouldBe(Enumerable.Range(0, 100));
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ServerStreaming_None_EndsWithOk(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        using var call = channel.ServerStreaming(EchoMethods.ServerStream, new(), Bounded);

        (await call.ReadAsync()).ShouldBeNull();
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ServerStreaming_ErrorAfterMessages_GivesBoth(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        using var call = channel.ServerStreaming(EchoMethods.ServerStream, new() { Count = 2, FailCode = 10, FailMessage = "später" }, Bounded);

        (await call.ReadAsync())!.Index.ShouldBe(0);
        (await call.ReadAsync())!.Index.ShouldBe(1);
        var error = await Should.ThrowAsync<GrpcException>(call.ReadAsync().AsTask());
        (error.Code, error.Message).ShouldBe((GrpcStatusCode.Aborted, "später"));
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ClientStreaming_Hundred_AreSummed(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        using var call = channel.Duplex(EchoMethods.ClientStream, Bounded);
        for (var i = 1; i <= 100; i++)
        {
            await call.WriteAsync(new() { Count = i, Payload = ByteString.CopyFrom(new byte[10_000]) });
        }

        call.Complete();
        (await call.ReadSingleAsync()).Sum.ShouldBe(5050);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Duplex_PingPong_AnswersEachBeforeTheNext(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        using var call = channel.Duplex(EchoMethods.Bidi, Bounded);
        for (var i = 0; i < 50; i++)
        {
            await call.WriteAsync(new() { Text = $"m{i}" });
            (await call.ReadAsync())!.Text.ShouldBe($"m{i}");
        }

        call.Complete();
        (await call.ReadAsync()).ShouldBeNull();
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_Deadline_EndsTheCallAtBothSides(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var error = await Should.ThrowAsync<GrpcException>(channel.UnaryAsync(
            EchoMethods.Unary, new() { Hang = true, Id = $"deadline-{peer}" }, new() { Timeout = TimeSpan.FromMilliseconds(200) }));

        error.Code.ShouldBe(GrpcStatusCode.DeadlineExceeded);
        await channel.UnaryAsync(EchoMethods.AwaitCancelled, new() { Id = $"deadline-{peer}" }, Bounded);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_Cancelled_CancelsAtTheServer(string peer)
    {
        var channel = await peers.ChannelAsync(peer);
        using var cancel = new CancellationTokenSource();

        var call = channel.UnaryAsync(EchoMethods.Unary, new() { Hang = true, Id = $"cancel-{peer}" }, cancellationToken: cancel.Token);
        var other = channel.UnaryAsync(EchoMethods.Unary, new() { Text = "the same connection" }, Bounded);
        await other;
        await cancel.CancelAsync();

        (await Should.ThrowAsync<OperationCanceledException>(call.WaitAsync(TimeSpan.FromSeconds(20)))).CancellationToken.ShouldBe(cancel.Token);
        await channel.UnaryAsync(EchoMethods.AwaitCancelled, new() { Id = $"cancel-{peer}" }, Bounded);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ServerStreaming_Disposed_CancelsAtTheServer(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var call = channel.ServerStreaming(EchoMethods.ServerStream, new() { Count = int.MaxValue, Id = $"dispose-{peer}" });
        await call.ReadAsync();
        call.Dispose();

        await channel.UnaryAsync(EchoMethods.AwaitCancelled, new() { Id = $"dispose-{peer}" }, Bounded);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ServerStreaming_DisposedBeforeAnyResponse_CancelsAtTheServer(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var call = channel.ServerStreaming(EchoMethods.Unary, new() { Hang = true, Id = $"early-{peer}" });
        var reading = call.ReadAsync().AsTask();
        await channel.UnaryAsync(EchoMethods.Unary, new() { Text = "the same connection" }, Bounded);
        call.Dispose();

        (await Should.ThrowAsync<GrpcException>(reading.WaitAsync(TimeSpan.FromSeconds(20)))).Code.ShouldBe(GrpcStatusCode.Cancelled);
        await channel.UnaryAsync(EchoMethods.AwaitCancelled, new() { Id = $"early-{peer}" }, Bounded);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_Error_CarriesMessageAndTrailers(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var error = await Should.ThrowAsync<GrpcException>(channel.UnaryAsync(
            EchoMethods.Unary, new() { FailCode = 9, FailMessage = "nicht möglich: 100 % 错误\n" }, Bounded));

        (error.Code, error.Message).ShouldBe((GrpcStatusCode.FailedPrecondition, "nicht möglich: 100 % 错误\n"));
        error.Trailers.Get("x-detail").ShouldBe("more");
        error.Trailers.GetBytes("x-detail-bin").ShouldBe([0, 255, 1]);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_OversizedRequest_IsRefusedByTheServer(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var error = await Should.ThrowAsync<GrpcException>(channel.UnaryAsync(
            EchoMethods.Unary, new() { Payload = ByteString.CopyFrom(new byte[5_000_000]) }, Bounded));

        error.Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_OversizedResponse_IsRefusedByTheClient(string peer)
    {
        var channel = await peers.ChannelAsync(peer, new() { MaxReceiveMessageBytes = 1000 });

        var error = await Should.ThrowAsync<GrpcException>(channel.UnaryAsync(EchoMethods.Unary, new() { ResponseBytes = 1000 }, Bounded));

        error.Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
        error.Message.ShouldContain("over the limit of 1000");
        (await channel.UnaryAsync(EchoMethods.Unary, new() { ResponseBytes = 900 }, Bounded)).Payload.Length.ShouldBe(900);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Unary_UnknownMethod_IsUnimplemented(string peer)
    {
        var channel = await peers.ChannelAsync(peer);

        var error = await Should.ThrowAsync<GrpcException>(channel.UnaryAsync(EchoMethods.Missing, new(), Bounded));

        error.Code.ShouldBe(GrpcStatusCode.Unimplemented);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task ServerStreaming_SlowReader_MakesTheServerWait(string peer)
    {
        const int Count = 1024;
        var channel = await peers.ChannelAsync(peer);
        var request = new EchoRequest { Count = Count, ResponseBytes = 65536, Id = $"slow-{peer}" };

        using var call = channel.ServerStreaming(EchoMethods.ServerStream, request, Bounded);
        await call.ReadAsync();
        var written = await Progress.SettledAsync(async () => (await channel.UnaryAsync(EchoMethods.Progress, new() { Id = request.Id }, Bounded)).Index);

        // 64 KiB each: of 64 MiB at most 4 lie in windows and buffers.
        written.ShouldBeInRange(1, 64);
        var read = 1;
        await foreach (var response in call.ReadAllAsync())
        {
            response.Index.ShouldBe(read++);
        }

        read.ShouldBe(Count);
    }

    [Theory, InlineData(GrpcPeers.MeshLite), InlineData(GrpcPeers.GrpcJs)]
    public async Task Duplex_SlowServer_MakesTheWriterWait(string peer)
    {
        const int Count = 1024;
        var channel = await peers.ChannelAsync(peer);
        var written = 0;

        using var call = channel.Duplex(EchoMethods.ClientStream, Bounded);
        var writing = WriteAsync();
        var settled = await Progress.SettledAsync(() => Task.FromResult(Volatile.Read(ref written)));

        settled.ShouldBeInRange(1, 64);
        await channel.UnaryAsync(EchoMethods.Release, new() { Id = $"stall-{peer}" }, Bounded);
        await writing;
        (await call.ReadSingleAsync()).Sum.ShouldBe(Count);

        async Task WriteAsync()
        {
            for (var i = 0; i < Count; i++)
            {
                await call.WriteAsync(new() { Count = 1, Stall = i == 0, Id = $"stall-{peer}", Payload = ByteString.CopyFrom(new byte[65536]) });
                Interlocked.Increment(ref written);
            }

            call.Complete();
        }
    }
}
