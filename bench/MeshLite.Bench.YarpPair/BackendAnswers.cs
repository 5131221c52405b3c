using Microsoft.AspNetCore.Http;

namespace MeshLite.Bench.YarpPair;

/// <summary>What the ends that are no proxies answer. Thread-safe: keeps nothing.</summary>
internal static class BackendAnswers
{
    private static readonly byte[] Body = [.. Enumerable.Repeat((byte)'x', 1_000_000)];

    // A message of no bytes, uncompressed (gRPC over HTTP/2, Length-Prefixed-Message).
    private static readonly byte[] Empty = new byte[5];

    /// <summary>So many bytes as the path says.</summary>
    public static Task HttpAsync(HttpContext context)
    {
        var length = context.Request.Path.Value switch { "/10k" => 10_000, "/1m" => 1_000_000, _ => 100 };
        context.Response.ContentLength = length;
        return context.Response.Body.WriteAsync(Body.AsMemory(0, length), context.RequestAborted).AsTask();
    }

    /// <summary>The request's message.</summary>
    public static async Task EchoAsync(HttpContext context)
    {
        Begin(context.Response);
        await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    /// <summary>Reads the request, answers with an empty message.</summary>
    public static async Task CollectAsync(HttpContext context)
    {
        Begin(context.Response);
        await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
        await context.Response.Body.WriteAsync(Empty, context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private static void Begin(HttpResponse response)
    {
        response.ContentType = "application/grpc";
        response.DeclareTrailer("grpc-status");
    }
}
