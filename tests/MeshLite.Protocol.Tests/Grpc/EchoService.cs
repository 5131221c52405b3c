using System.Collections.Concurrent;
using Google.Protobuf;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

/// <summary>Echo on <see cref="GrpcServer"/>; <c>interop/echo-server.js</c> does the same on @grpc/grpc-js. Thread-safe.</summary>
internal sealed class EchoService
{
    private readonly ConcurrentDictionary<string, CallState> _calls = new(StringComparer.Ordinal);

    public void AddTo(GrpcServer server)
    {
        server.AddUnary(EchoMethods.Unary, UnaryAsync);
        server.AddServerStreaming(EchoMethods.ServerStream, ServerStreamAsync);
        server.AddClientStreaming(EchoMethods.ClientStream, ClientStreamAsync);
        server.AddDuplex(EchoMethods.Bidi, BidiAsync);
        server.AddUnary(EchoMethods.AwaitCancelled, async (request, call) =>
        {
            await State(request).Cancelled.Task.WaitAsync(call.CancellationToken);
            return new EchoResponse();
        });
        server.AddUnary(EchoMethods.Progress, (request, _) => Task.FromResult(new EchoResponse { Index = Volatile.Read(ref State(request).Written) }));
        server.AddUnary(EchoMethods.Release, (request, _) =>
        {
            State(request).Released.TrySetResult();
            return Task.FromResult(new EchoResponse());
        });
    }

    private async Task<EchoResponse> UnaryAsync(EchoRequest request, GrpcServerCall call)
    {
        if (request.Hang)
        {
            await using var registration = call.CancellationToken.Register(() => State(request).Cancelled.TrySetResult());
            await Task.Delay(Timeout.Infinite, call.CancellationToken);
        }

        Fail(request);
        if (call.GetMetadata("x-test") is { } text)
        {
            call.ResponseHeaders.Add("x-header", text);
            call.ResponseTrailers.Add("x-trailer-bin", call.GetBinaryMetadata("x-test-bin"));
        }

        return new()
        {
            Text = request.Text,
            Payload = ByteString.CopyFrom(new byte[request.ResponseBytes]),
            Metadata = $"{call.GetMetadata("x-test")}|{Convert.ToHexStringLower(call.GetBinaryMetadata("x-test-bin") ?? [])}",
        };
    }

    private async Task ServerStreamAsync(EchoRequest request, GrpcStreamWriter<EchoResponse> writer, GrpcServerCall call)
    {
        var state = State(request);
        try
        {
            for (var i = 0; i < request.Count; i++)
            {
                await writer.WriteAsync(new() { Index = i, Payload = ByteString.CopyFrom(new byte[request.ResponseBytes]) });
                Interlocked.Increment(ref state.Written);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or GrpcException { Code: GrpcStatusCode.Cancelled })
        {
            state.Cancelled.TrySetResult();
            throw;
        }

        Fail(request);
    }

    private async Task<EchoResponse> ClientStreamAsync(GrpcStreamReader<EchoRequest> reader, GrpcServerCall call)
    {
        var sum = 0;
        await foreach (var request in reader.ReadAllAsync())
        {
            if (request.Stall)
            {
                await State(request).Released.Task.WaitAsync(call.CancellationToken);
            }

            sum += request.Count;
        }

        return new() { Sum = sum };
    }

    private static async Task BidiAsync(GrpcStreamReader<EchoRequest> reader, GrpcStreamWriter<EchoResponse> writer, GrpcServerCall call)
    {
        await foreach (var request in reader.ReadAllAsync())
        {
            await writer.WriteAsync(new() { Text = request.Text });
        }
    }

    private static void Fail(EchoRequest request)
    {
        if (request.FailCode < 0)
        {
            throw new InvalidOperationException(request.FailMessage);
        }

        if (request.FailCode > 0)
        {
            var trailers = new GrpcMetadata { { "x-detail", "more" } };
            trailers.Add("x-detail-bin", new byte[] { 0, 255, 1 });
            throw new GrpcException((GrpcStatusCode)request.FailCode, request.FailMessage, trailers: trailers);
        }
    }

    private CallState State(EchoRequest request) => _calls.GetOrAdd(request.Id, _ => new());

    private sealed class CallState
    {
        public int Written;

        public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
