using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>A caller that leaves cancels its request at the application, wherever it stands, and leaves nothing behind.</summary>
public sealed class CancellationTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData(false, "upload")]
    [InlineData(false, "wait")]
    [InlineData(false, "download")]
    [InlineData(true, "upload")]
    [InlineData(true, "wait")]
    [InlineData(true, "download")]
    public async Task Caller_ThatLeaves_CancelsAtTheApplication(bool http2, string phase)
    {
        var reached = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                using var registration = context.RequestAborted.Register(() => aborted.TrySetResult());
                var buffer = new byte[1000];
                if (phase == "upload")
                {
                    await context.Request.Body.ReadExactlyAsync(buffer);
                    reached.SetResult();
                    await context.Request.Body.ReadExactlyAsync(buffer);
                    return;
                }

                if (phase == "download")
                {
                    await context.Response.Body.WriteAsync(buffer);
                    await context.Response.Body.FlushAsync();
                }

                reached.SetResult();
                await aborted.Task;
            },
            http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var leave = new CancellationTokenSource();
        using var http = pair.Http(http2);

        var call = phase == "upload"
            ? http.PostAsync(new Uri("http://orders/"), new StalledContent(), leave.Token)
            : http.GetAsync(new Uri("http://orders/"), leave.Token);
        await reached.Task.WaitAsync(Patience);
        await leave.CancelAsync();

        await Should.ThrowAsync<OperationCanceledException>(() => call);
        await aborted.Task.WaitAsync(Patience);
        await pair.IdleInFlightAsync();
    }

    [Fact]
    public async Task Requests_OpenedAndDropped_LeaveNothing()
    {
        const int perRound = 100;
        const int rounds = 20;
        var open = 0;
        var began = new SemaphoreSlim(0);
        async Task HandleAsync(HttpContext context)
        {
            Interlocked.Increment(ref open);
            began.Release();
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }
            finally
            {
                Interlocked.Decrement(ref open);
            }
        }

        foreach (var http2 in (bool[])[false, true])
        {
            await using var app = await HttpApp.StartAsync("orders", HandleAsync, http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
            await using var pair = await MeshPair.StartAsync(app.Port);
            using (var http = pair.Http(http2))
            {
                for (var round = 0; round < rounds; round++)
                {
                    using var leave = new CancellationTokenSource();
                    var calls = Enumerable.Range(0, perRound).Select(_ => http.GetAsync(new Uri("http://orders/"), leave.Token)).ToArray();
                    for (var i = 0; i < perRound; i++)
                    {
                        (await began.WaitAsync(Patience)).ShouldBeTrue();
                    }

                    await leave.CancelAsync();
                    foreach (var call in calls)
                    {
                        await Should.ThrowAsync<OperationCanceledException>(() => call);
                    }
                }
            }

            await Eventually.TrueAsync(() => Volatile.Read(ref open) == 0, "no request open at the application", Patience);
            await pair.IdleAsync();
        }
    }

    private sealed class StalledContent : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context) =>
            SerializeToStreamAsync(stream, context, default);

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context, CancellationToken cancellationToken)
        {
            await stream.WriteAsync(new byte[1000], cancellationToken);
            await stream.FlushAsync(cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
