using Google.Protobuf.WellKnownTypes;
using MeshLite.Protocol.Grpc;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.PodApp;

/// <summary>A gRPC service with a method of each style.</summary>
internal static class GrpcEcho
{
    public static readonly GrpcMethod<StringValue, StringValue> Unary = Method("Unary");
    public static readonly GrpcMethod<StringValue, StringValue> Fails = Method("Fails");
    public static readonly GrpcMethod<StringValue, StringValue> Split = Method("Split");
    public static readonly GrpcMethod<StringValue, StringValue> Collect = Method("Collect");
    public static readonly GrpcMethod<StringValue, StringValue> Chat = Method("Chat");

    public static GrpcServer Create()
    {
        var server = new GrpcServer(new GrpcServerOptions(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        server.AddUnary(Unary, (request, _) => Task.FromResult(Text(request.Value.ToUpperInvariant())));
        server.AddUnary<StringValue, StringValue>(Fails, (request, _) => throw new GrpcException(GrpcStatusCode.FailedPrecondition, request.Value));
        server.AddServerStreaming(Split, async (request, writer, _) =>
        {
            foreach (var word in request.Value.Split(' '))
            {
                await writer.WriteAsync(Text(word));
            }
        });
        server.AddClientStreaming(Collect, async (reader, call) =>
        {
            var words = new List<string>();
            while (await reader.ReadAsync(call.CancellationToken) is { } word)
            {
                words.Add(word.Value);
            }

            return Text(string.Join(' ', words));
        });
        server.AddDuplex(Chat, async (reader, writer, call) =>
        {
            while (await reader.ReadAsync(call.CancellationToken) is { } said)
            {
                await writer.WriteAsync(Text($"you said {said.Value}"));
            }
        });
        return server;
    }

    public static StringValue Text(string text) => new() { Value = text };

    private static GrpcMethod<StringValue, StringValue> Method(string name) => new("test.Pod", name, StringValue.Parser, StringValue.Parser);
}

/// <summary>Calls each and prints what came back.</summary>
internal static class GrpcCaller
{
    public static async Task<int> RunAsync(Uri url)
    {
        using var http = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false });
        var channel = new GrpcChannel(url, http, new GrpcChannelOptions(), TimeProvider.System);
        var options = new GrpcCallOptions { Timeout = TimeSpan.FromSeconds(30) };

        Console.WriteLine((await channel.UnaryAsync(GrpcEcho.Unary, GrpcEcho.Text("unary"), options)).Value);
        try
        {
            await channel.UnaryAsync(GrpcEcho.Fails, GrpcEcho.Text("a reason"), options);
        }
        catch (GrpcException e)
        {
            Console.WriteLine($"{e.Code}: {e.Message}");
        }

        using (var call = channel.ServerStreaming(GrpcEcho.Split, GrpcEcho.Text("one two three"), options))
        {
            await foreach (var word in call.ReadAllAsync(CancellationToken.None))
            {
                Console.WriteLine(word.Value);
            }
        }

        using (var call = channel.Duplex(GrpcEcho.Collect, options))
        {
            await call.WriteAsync(GrpcEcho.Text("four"));
            await call.WriteAsync(GrpcEcho.Text("five"));
            call.Complete();
            Console.WriteLine((await call.ReadSingleAsync()).Value);
        }

        using (var call = channel.Duplex(GrpcEcho.Chat, options))
        {
            foreach (var word in (string[])["hi", "bye"])
            {
                // Each answered before the next is said.
                await call.WriteAsync(GrpcEcho.Text(word));
                Console.WriteLine((await call.ReadAsync())!.Value);
            }
        }

        return 0;
    }
}
