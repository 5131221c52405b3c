using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.Sidecar.Lifecycle;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests;

/// <summary>Sidecars that come and go under load.</summary>
public sealed class DrainTests
{
    [Fact]
    public async Task Replicas_DrainedAndAddedUnderLoad_LoseAndDoubleNothing()
    {
        await using var mesh = await MeshFixture.StartAsync();
        await using var appA = await HttpApp.StartAsync("a");
        await using var appB = await HttpApp.StartAsync("b");
        await using var appC = await HttpApp.StartAsync("c");
        var a = await mesh.SidecarAsync("orders", appA.Port);
        var b = await mesh.SidecarAsync("orders", appB.Port);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", a, b);
        await using var load = new Load(client);
        await load.SomeAsync();

        // The one that goes says so, and the others hear of it a while later: what still arrives meanwhile is served.
        var draining = a.Draining.DrainAsync();
        await load.SomeAsync();
        mesh.ControlPlane.Received.ShouldContain(message => message.Health != null && message.Health.Draining && !message.Health.Ready);
        mesh.Service("orders", b);
        await draining.WaitAsync(TimeSpan.FromSeconds(20));
        await mesh.DrainAndEndAsync(a);
        await load.SomeAsync();

        var c = await mesh.SidecarAsync("orders", appC.Port);
        mesh.Service("orders", b, c);
        await load.SomeAsync();
        await Eventually.TrueAsync(() => appC.Received.Count > 20, "the new one is used");

        // And once more, this time without anybody else hearing of it before it is gone.
        await mesh.DrainAndEndAsync(b);
        await load.SomeAsync();
        mesh.Service("orders", c);
        await load.SomeAsync();
        await load.StopAsync();

        load.Failures.ShouldBeEmpty();
        var received = ((HttpApp[])[appA, appB, appC]).SelectMany(app => app.Received).Select(r => int.Parse(r.Header("x-id")!)).Order().ToList();
        received.ShouldBe(Enumerable.Range(0, load.Sent), "each exactly once");
    }

    [Fact]
    public async Task Drain_IdleConnections_EndsPromptly()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();
        await http.GetStringAsync(new Uri("http://orders/"));
        using var silent = await Wire.OpenAsync(pair.Server.InboundAddress);
        (await pair.ConnectionsAsync(pair.Server)).ShouldBe(1);

        var took = await DrainAsync(pair.Server);

        took.ShouldBeInRange(Draining.Grace, TimeSpan.FromSeconds(5));
        pair.Server.Readiness.Reason.ShouldBe("draining");
        (await pair.ConnectionsAsync(pair.Server)).ShouldBe(0);
    }

    [Fact]
    public async Task Drain_IdleHttp1Connection_IsClosed()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.WireAsync();
        await caller.SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        (await caller.ReadMessageAsync())!.Status.ShouldBe(200);

        await DrainAsync(pair.Client);

        (await caller.EndsByFinAsync()).ShouldBeTrue();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Drain_RequestUnderWay_IsWaitedForAndWhatArrivesIsServed(bool http2)
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var app = await HttpApp.StartAsync(
            "orders",
            async context =>
            {
                if (context.Request.Path == "/long")
                {
                    await context.Response.Body.FlushAsync();
                    await release.Task;
                }

                await context.Response.WriteAsync("ok");
            },
            http2 ? Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http2 : Microsoft.AspNetCore.Server.Kestrel.Core.HttpProtocols.Http1);
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http(http2);
        using var response = await http.GetAsync(new Uri("http://orders/long"), HttpCompletionOption.ResponseHeadersRead);

        // Both ends of the hop drain.
        var draining = Task.WhenAll(pair.Server.Draining.DrainAsync(), pair.Client.Draining.DrainAsync());
        await Task.Delay(TimeSpan.FromSeconds(1));
        draining.IsCompleted.ShouldBeFalse();
        (await http.GetStringAsync(new Uri("http://orders/"))).ShouldBe("ok");

        release.SetResult();
        (await response.Content.ReadAsStringAsync()).ShouldBe("ok");
        await draining.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task Drain_AskedForByTheAdminInterface_AnswersWhenItIsOver()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var admin = new HttpClient();
        var started = Environment.TickCount64; // the clock that timers go by

        using var response = await admin.PostAsync(new Uri($"http://{pair.Server.Server.AdminAddress}/drain"), content: null);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        TimeSpan.FromMilliseconds(Environment.TickCount64 - started).ShouldBeGreaterThanOrEqualTo(Draining.Grace);
        using var ready = await admin.GetAsync(new Uri($"http://{pair.Server.Server.TelemetryAddress}/ready"));
        ready.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await ready.Content.ReadAsStringAsync()).ShouldBe("draining\n");
    }

    private static async Task<TimeSpan> DrainAsync(SidecarComponents sidecar)
    {
        var started = Environment.TickCount64; // the clock that timers go by
        await sidecar.Draining.DrainAsync().WaitAsync(TimeSpan.FromSeconds(35));
        return TimeSpan.FromMilliseconds(Environment.TickCount64 - started);
    }

    /// <summary>Eight callers without pause, GET and POST in turn, each request with an id of its own.</summary>
    private sealed class Load : IAsyncDisposable
    {
        private readonly ConcurrentQueue<string> _failures = new();
        private readonly HttpClient _client;
        private readonly Task _running;
        private volatile bool _stop;
        private int _sent;
        private int _answered;

        public Load(SidecarComponents through)
        {
            _client = MeshFixture.Client(through);
            _running = Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(RunAsync)));
        }

        public IReadOnlyCollection<string> Failures => _failures;

        public int Sent => _sent;

        /// <summary>Returns after another 200 answers.</summary>
        public Task SomeAsync()
        {
            var until = Volatile.Read(ref _answered) + 200;
            return Eventually.TrueAsync(() => Volatile.Read(ref _answered) >= until, "200 more answers", TimeSpan.FromSeconds(30));
        }

        public Task StopAsync()
        {
            _stop = true;
            return _running;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _client.Dispose();
        }

        private async Task RunAsync()
        {
            while (!_stop)
            {
                var id = Interlocked.Increment(ref _sent) - 1;
                using var request = new HttpRequestMessage(id % 2 == 0 ? HttpMethod.Get : HttpMethod.Post, "http://orders/") { Headers = { { "x-id", id.ToString() } } };
                if (id % 2 == 1)
                {
                    request.Content = new ByteArrayContent(new byte[id % 7 * 10_000]);
                }

                try
                {
                    using var response = await _client.SendAsync(request);
                    if (response.StatusCode != HttpStatusCode.OK)
                    {
                        _failures.Enqueue($"{id} {request.Method}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}");
                    }
                }
                catch (HttpRequestException e)
                {
                    _failures.Enqueue($"{id} {request.Method}: {e}");
                }

                Interlocked.Increment(ref _answered);
            }
        }
    }
}
