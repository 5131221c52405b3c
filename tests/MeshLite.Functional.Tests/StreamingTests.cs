using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>Nothing waits in a sidecar for something that may be long in coming: headers, first bytes, the end of a response.</summary>
public sealed class StreamingTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task ResponseHeaders_WithoutBodyYet_ArriveAtOnce(bool http2, bool length)
    {
        var release = new TaskCompletionSource();
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                context.Response.ContentLength = length ? 4 : null;
                await context.Response.Body.FlushAsync();
                await release.Task;
                await context.Response.WriteAsync("body");
            },
            http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2);

        using var response = await http.GetAsync(new Uri("http://orders/"), HttpCompletionOption.ResponseHeadersRead).WaitAsync(Patience);
        response.Content.Headers.ContentLength.ShouldBe(length ? 4 : null);
        release.SetResult();

        (await response.Content.ReadAsStringAsync()).ShouldBe("body");
    }

    /// <summary>The caller sends the rest of its body only after it has the whole response.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Response_ToAnUnfinishedRequest_EndsWhenItEnds(bool length)
    {
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                await context.Request.Body.ReadExactlyAsync(new byte[5]);
                await context.Response.WriteAsync("enough");
                await context.Response.CompleteAsync();
                await context.Request.Body.CopyToAsync(Stream.Null);
            },
            HttpProtocols.Http2);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        using var body = new DuplexContent(length ? 10 : null);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://orders/")
        {
            Version = new Version(2, 0), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body,
        };

        var sending = http.SendAsync(request, default);
        var upload = await body.Stream.Task.WaitAsync(Patience);
        await upload.WriteAsync("hello"u8.ToArray());
        await upload.FlushAsync();
        using var response = await sending.WaitAsync(Patience);
        (await response.Content.ReadAsStringAsync().WaitAsync(Patience)).ShouldBe("enough");
        await upload.WriteAsync("world"u8.ToArray());
        body.Finish();

        await pair.IdleInFlightAsync();
    }

    private sealed class DuplexContent(long? length) : HttpContent
    {
        private readonly TaskCompletionSource _finished = new();

        public TaskCompletionSource<Stream> Stream { get; } = new();

        public void Finish() => _finished.SetResult();

        protected override Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            Stream.SetResult(stream);
            return _finished.Task;
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = length ?? 0;
            return length is not null;
        }
    }
}
