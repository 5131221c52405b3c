using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests;

/// <summary>From Permissive to Strict and back while callers of both kinds are there.</summary>
public sealed class StrictTests
{
    [Fact]
    public async Task Mode_ChangedUnderLoad_LosesAndDoublesNoMeshedRequest()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();
        using var stop = new CancellationTokenSource();
        var sent = new ConcurrentQueue<string>();
        var failed = new ConcurrentQueue<string>();
        var callers = Enumerable.Range(0, 4).Select(caller => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var id = $"{caller}-{i}";
                using var response = await http.PostAsync(new Uri("http://orders/"), new StringContent(id));
                (response.StatusCode == HttpStatusCode.OK ? sent : failed).Enqueue(id);
            }
        })).ToArray();

        for (var change = 1; change <= 20; change++)
        {
            await ChangeAsync(pair, change % 2 == 1 ? MtlsMode.Strict : MtlsMode.Permissive);
            var soFar = sent.Count;
            await Eventually.TrueAsync(() => sent.Count > soFar + 20 || !failed.IsEmpty, "requests in this mode");
        }

        await stop.CancelAsync();
        await Task.WhenAll(callers);
        failed.ShouldBeEmpty();
        app.Received.Select(r => Encoding.UTF8.GetString(r.Body)).Order().ShouldBe(sent.Order());
    }

    [Fact]
    public async Task Strict_Comes_PlaintextIsAnsweredToItsEnd()
    {
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        await using var app = await HttpApp.StartAsync("orders", async context =>
        {
            if (context.Request.Path == "/slow")
            {
                arrived.SetResult();
                await release.Task;
            }

            await context.Response.WriteAsync("served");
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var idle = await Wire.OpenAsync(pair.Server.InboundAddress);
        await idle.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        (await idle.ReadMessageAsync())!.Status.ShouldBe(200);
        using var busy = await Wire.OpenAsync(pair.Server.InboundAddress);
        await busy.SendAsync("GET /slow HTTP/1.1\r\nHost: orders\r\n\r\n");
        await arrived.Task;

        await ChangeAsync(pair, MtlsMode.Strict);

        (await idle.EndsByFinAsync()).ShouldBeTrue();
        release.SetResult();
        var response = await busy.ReadMessageAsync();
        response!.Status.ShouldBe(200);
        response.Text.ShouldBe("served");
        (await busy.EndsByFinAsync()).ShouldBeTrue();
        using var late = await Wire.OpenAsync(pair.Server.InboundAddress);
        await late.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        (await late.ReadMessageAsync())!.Status.ShouldBe(403);
    }

    [Fact]
    public async Task Strict_Comes_PlaintextTcpIsCutAndMeshedIsNot()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var tunnel = await pair.TunnelAsync();
        using var plaintext = await Wire.OpenAsync(pair.Server.InboundAddress);
        foreach (var wire in (Wire[])[tunnel, plaintext])
        {
            await wire.SendAsync("\u0001\u0002hello\n");
            (await wire.ReadAsync(8)).Length.ShouldBe(8);
        }

        await ChangeAsync(pair, MtlsMode.Strict);

        (await plaintext.EndsByFinAsync()).ShouldBeFalse();
        await tunnel.SendAsync("hello\n");
        (await tunnel.ReadAsync(6)).Length.ShouldBe(6);
    }

    [Fact]
    public async Task Plaintext_Callers_AreReported()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();
        using var admin = new HttpClient();
        (await http.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        Task<JsonElement> StatsAsync() => admin.GetFromJsonAsync<JsonElement>(new Uri($"http://{pair.Server.Server.AdminAddress}/stats"));
        (await StatsAsync()).GetProperty("plaintextCallers").GetArrayLength().ShouldBe(0, "a meshed caller is none");

        for (var i = 0; i < 2; i++)
        {
            using var wire = await Wire.OpenAsync(pair.Server.InboundAddress);
            await wire.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\nConnection: close\r\n\r\n");
            (await wire.ReadMessageAsync())!.Status.ShouldBe(i == 0 ? 200 : 403);
            await ChangeAsync(pair, MtlsMode.Strict);
        }

        var stats = await StatsAsync();
        stats.GetProperty("mtls").GetString().ShouldBe("Strict");
        var caller = stats.GetProperty("plaintextCallers").EnumerateArray().ShouldHaveSingleItem();
        caller.GetProperty("address").GetString().ShouldBe("127.0.0.1");
        caller.GetProperty("connections").GetInt32().ShouldBe(2);
        var scrape = await Scrape.OfAsync(pair.Server);
        scrape.Sum("meshlite_plaintext_connections_total", ("protocol", "http"), ("result", "served")).ShouldBe(1);
        scrape.Sum("meshlite_plaintext_connections_total", ("protocol", "http"), ("result", "refused")).ShouldBe(1);
    }

    private static Task ChangeAsync(MeshPair pair, MtlsMode mode)
    {
        pair.Mesh.ControlPlane.Mtls = mode;
        return pair.PublishWorkloadsAsync();
    }
}
