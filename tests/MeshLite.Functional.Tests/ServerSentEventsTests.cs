using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>Server-Sent Events: each event arrives while the stream stays open; the end of either side is the other's.</summary>
public sealed class ServerSentEventsTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Event_Written_ArrivesWhileTheStreamIsOpen(bool http2)
    {
        var next = new SemaphoreSlim(0);
        var left = new TaskCompletionSource();
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                using var registration = context.RequestAborted.Register(() => left.TrySetResult());
                context.Response.ContentType = "text/event-stream";
                await context.Response.Body.FlushAsync();
                for (var i = 0; ; i++)
                {
                    await next.WaitAsync(context.RequestAborted);
                    await context.Response.WriteAsync($"data: {i}\n\n");
                }
            },
            http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2);

        // Headers come before the first event does.
        var response = await http.GetAsync(new Uri("http://orders/events"), HttpCompletionOption.ResponseHeadersRead);
        response.Content.Headers.ContentType!.MediaType.ShouldBe("text/event-stream");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        for (var i = 0; i < 20; i++)
        {
            next.Release();
            (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe($"data: {i}");
            (await reader.ReadLineAsync()).ShouldBe("");
        }

        response.Dispose();
        await left.Task.WaitAsync(TimeSpan.FromSeconds(20));
        await pair.IdleInFlightAsync();
    }
}
