using System.Net;
using System.Security.Cryptography;
using MeshLite.E2E.Kit;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.E2E;

public sealed class LargeBodyTests
{
    private const int BlockBytes = 64 * 1024;
    private const int Blocks = 1600;
    private const long BodyBytes = (long)BlockBytes * Blocks;
    private const long GrowthBytes = 40 * 1024 * 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upload_100MB_ArrivesWholeWithoutBeingHeld(bool chunked)
    {
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders", app: await HttpApp.StartAsync("orders", ReceiveAsync));
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        var before = PrivateMemory(client.Sidecar, orders.Sidecar);
        using var request = client.Request(HttpMethod.Post, "orders");
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        request.Content = new Body(sha, chunked);
        request.Headers.TransferEncodingChunked = chunked;

        using var response = await client.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        (await response.Content.ReadAsStringAsync()).ShouldBe($"{BodyBytes} {!chunked} {Convert.ToHexString(sha.GetHashAndReset())}");
        ShouldNotHaveGrown(before, PrivateMemory(client.Sidecar, orders.Sidecar));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Download_100MB_ArrivesWholeWithoutBeingHeld(bool chunked)
    {
        using var sent = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders", app: await HttpApp.StartAsync("orders", async context =>
        {
            if (context.Request.Path == "/large")
            {
                context.Response.ContentLength = chunked ? null : BodyBytes;
                await WriteAsync(context.Response.Body, sent);
            }
        }));
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        var before = PrivateMemory(client.Sidecar, orders.Sidecar);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = client.Request(HttpMethod.Get, "orders", "/large");

        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var received = await SHA256.HashDataAsync(await response.Content.ReadAsStreamAsync());

        response.Content.Headers.ContentLength.ShouldBe(chunked ? null : BodyBytes);
        Convert.ToHexString(received).ShouldBe(Convert.ToHexString(sent.GetHashAndReset()));
        ShouldNotHaveGrown(before, PrivateMemory(client.Sidecar, orders.Sidecar));
    }

    private static async Task ReceiveAsync(HttpContext context)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[BlockBytes];
        long total = 0;
        int read;
        while ((read = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
        {
            sha.AppendData(buffer, 0, read);
            total += read;
        }

        await context.Response.WriteAsync($"{total} {context.Request.ContentLength is not null} {Convert.ToHexString(sha.GetHashAndReset())}");
    }

    private static async Task WriteAsync(Stream to, IncrementalHash sha)
    {
        var random = new Random(1);
        var block = new byte[BlockBytes];
        for (var i = 0; i < Blocks; i++)
        {
            random.NextBytes(block);
            sha.AppendData(block);
            await to.WriteAsync(block);
        }
    }

    private static long[] PrivateMemory(params SidecarProcess[] sidecars) => [.. sidecars.Select(s => ProcessUsage.PrivateBytes(s.Process.Id))];

    private static void ShouldNotHaveGrown(long[] before, long[] after)
    {
        for (var i = 0; i < before.Length; i++)
        {
            TestContext.Current.TestOutputHelper?.WriteLine($"RssAnon {before[i]} -> {after[i]}");
            (after[i] - before[i]).ShouldBeLessThan(GrowthBytes);
        }
    }

    private sealed class Body(IncrementalHash sha, bool chunked) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => WriteAsync(stream, sha);

        protected override bool TryComputeLength(out long length)
        {
            length = BodyBytes;
            return !chunked;
        }
    }
}
