using System.Security.Cryptography;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>Long bodies pass whole, and an upload nobody reads is its own problem only.</summary>
public sealed class LargeBodyTests
{
    private const int Block = 1024 * 1024;
    private const int Blocks = 100;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Body_Of100Megabytes_IsEchoedWhole(bool http2, bool length)
    {
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                context.Response.ContentLength = context.Request.ContentLength;
                await context.Request.Body.CopyToAsync(context.Response.Body);
            },
            http2 ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2);
        using var body = new BlocksContent(length);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://orders/")
        {
            Version = new Version(http2 ? 2 : 1, http2 ? 0 : 1), VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = body,
        };

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync();
        var buffer = new byte[Block];
        int read;
        while ((read = await stream.ReadAsync(buffer)) > 0)
        {
            hash.AppendData(buffer.AsSpan(0, read));
        }

        hash.GetHashAndReset().ShouldBe(body.Hash());
    }

    [Fact]
    public async Task Uploads_Stalled_DoNotHoldUpOthersOnTheConnection()
    {
        using var release = new CancellationTokenSource();
        await using var app = await HttpApp.StartAsync("orders", async context =>
        {
            if (context.Request.Path == "/stalled")
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, release.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return;
            }

            await context.Request.Body.CopyToAsync(context.Response.Body);
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();
        var stalled = Enumerable.Range(0, 2).Select(_ => http.PostAsync(new Uri("http://orders/stalled"), new BlocksContent(length: true), release.Token)).ToArray();
        await MeshLite.TestKit.Eventually.TrueAsync(async () => await pair.InFlightAsync() == 2, "both uploads under way");

        for (var i = 0; i < 50; i++)
        {
            using var response = await http.PostAsync(new Uri("http://orders/"), new ByteArrayContent(new byte[10_000]));
            (await response.Content.ReadAsByteArrayAsync()).Length.ShouldBe(10_000);
        }

        (await pair.InFlightAsync()).ShouldBe(2);
        await release.CancelAsync();
        foreach (var upload in stalled)
        {
            await Should.ThrowAsync<OperationCanceledException>(() => upload);
        }

        await pair.IdleInFlightAsync();
    }

    private sealed class BlocksContent(bool length) : HttpContent
    {
        private readonly byte[] _block = RandomNumberGenerator.GetBytes(Block);

        public byte[] Hash()
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var i = 0; i < Blocks; i++)
            {
                hash.AppendData(_block);
            }

            return hash.GetHashAndReset();
        }

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            for (var i = 0; i < Blocks; i++)
            {
                await stream.WriteAsync(_block);
            }
        }

        protected override bool TryComputeLength(out long computed)
        {
            computed = (long)Block * Blocks;
            return length;
        }
    }
}
