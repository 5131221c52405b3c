using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace MeshLite.Functional.Tests;

/// <summary>Each request is one record in each direction it went, with what became of it.</summary>
public sealed class RecordTests
{
    private const string Promtool = "/usr/bin/promtool";
    private static readonly string[] Labels = ["response_code", "reason"];

    private static readonly RouteRuleConfig Rule = new() { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] };

    /// <summary>A request's kind, what its caller gets, and what each sidecar records of it: status and reason, empty where it never came by.</summary>
    public static TheoryData<string, int, string, string> Kinds => new()
    {
        { "ok", 200, "200 ", "200 " },
        { "post", 200, "200 ", "200 " },
        { "application fails", 500, "500 ", "500 " },
        { "application aborts", 502, "502 protocol_error", "502 protocol_error" },
        { "no route", 404, "404 no_route", "" },
        { "unknown destination", 503, "503 destination_unknown", "" },
        { "no endpoint", 503, "503 no_healthy_endpoint", "" },
        { "no connection", 502, "502 connect_failure", "" },
        { "wrong identity", 502, "502 tls_failure", "" },
        { "bad framing", 400, "400 protocol_error", "" },
        { "bad host", 400, "400 protocol_error", "" },
        { "timeout", 504, "504 request_timeout", " " },
    };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Request_OfEachKind_IsOneRecordInEachDirection(string kind, int status, string outbound, string inbound)
    {
        await using var world = await World.StartAsync();

        (await world.SendAsync(kind)).ShouldBe(status);

        var attempts = kind switch { "no connection" or "wrong identity" => 3, _ when inbound.Length == 0 => 0, _ => 1 };
        var line = await world.ClientLog.LineAsync(1);
        $"{line.GetProperty("status").GetInt32()} {line.GetProperty("reason").GetString()}".ShouldBe(outbound);
        line.GetProperty("direction").GetString().ShouldBe("outbound");
        line.GetProperty("attempts").GetInt32().ShouldBe(attempts);
        (await Scrape.OfAsync(world.Client)).Requests("direction", "response_code", "reason").ShouldBe([$"outbound {outbound} 1"]);
        if (inbound.Length > 0)
        {
            await Eventually.TrueAsync(async () => (await Scrape.OfAsync(world.Server)).Sum("meshlite_requests_total") > 0, "the inbound record");
            // The deadline travels: when it passes, the server's sidecar says so, unless the caller's has told it that nobody waits any more.
            string[] either = kind == "timeout" ? [inbound, "504 request_timeout"] : [inbound];
            (await Scrape.OfAsync(world.Server)).Requests("direction", "response_code", "reason").ShouldHaveSingleItem().ShouldBeOneOf([.. either.Select(record => $"inbound {record} 1")]);
            (await world.ServerLog.LineAsync(1)).GetProperty("source").GetString().ShouldBe("shop/frontend-2");
        }
        else
        {
            (await Scrape.OfAsync(world.Server)).Sum("meshlite_requests_total").ShouldBe(0);
        }
    }

    [Fact]
    public async Task Requests_AThousandOfAllKinds_AreCountedExactly()
    {
        await using var world = await World.StartAsync();
        var kinds = Kinds.Select(row => row.Data).Where(kind => kind.Item1 is not ("timeout" or "unknown destination")).ToArray();
        var random = new Random(7);
        var drawn = Enumerable.Range(0, 1000).Select(_ => kinds[random.Next(3) == 0 ? random.Next(kinds.Length) : random.Next(3)]).ToArray();

        await Parallel.ForEachAsync(drawn, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (kind, _) =>
            (await world.SendAsync(kind.Item1)).ShouldBe(kind.Item2, kind.Item1));

        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(world.Client)).Sum("meshlite_requests_total") >= 1000, "all are counted");
        (await Scrape.OfAsync(world.Client)).Requests(Labels).ShouldBe(Counted(drawn.Select(kind => kind.Item3)));
        (await Scrape.OfAsync(world.Server)).Requests(Labels).ShouldBe(Counted(drawn.Select(kind => kind.Item4).Where(record => record.Length > 0)));
        var scrape = await Scrape.OfAsync(world.Client);
        scrape.Sum("meshlite_request_duration_seconds_count").ShouldBe(1000);
        await Eventually.TrueAsync(() => world.ClientLog.Lines.Count == 1000, "1,000 lines");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Caller_GoesAway_IsRecordedAsNoAnswer(bool http2)
    {
        await using var world = await World.StartAsync(http2);
        using var gone = new CancellationTokenSource();
        using var http = MeshFixture.Client(world.Client, http2);

        var asking = http.GetAsync(new Uri("http://orders/hang"), gone.Token);
        await Eventually.TrueAsync(() => world.Hanging > 0, "the application has it");
        await gone.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(asking);

        (await world.ClientLog.LineAsync(1)).GetProperty("status").GetInt32().ShouldBe(0);
        (await world.ServerLog.LineAsync(1)).GetProperty("status").GetInt32().ShouldBe(0);
        // In metrics, no status is an empty label.
        (await Scrape.OfAsync(world.Client)).Requests(Labels).ShouldBe(["  1"]);
        (await Scrape.OfAsync(world.Server)).Requests(Labels).ShouldBe(["  1"]);
        await Eventually.TrueAsync(() => world.Hanging == 0, "the application is told");
    }

    [Theory]
    [InlineData("http://nowhere/", 14, "destination_unknown")]
    [InlineData("http://closed/", 14, "connect_failure")]
    [InlineData("http://picky/", 12, "no_route")]
    public async Task GrpcCall_MeshFails_IsRecordedWithItsStatus(string target, int status, string reason)
    {
        await using var world = await World.StartAsync();
        using var http = MeshFixture.Client(world.Client, http2: true);
        using var request = new HttpRequestMessage(HttpMethod.Post, target) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Content = new ByteArrayContent([0, 0, 0, 0, 0]) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };

        using var response = await http.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.GetValues("grpc-status").ShouldBe([status.ToString(CultureInfo.InvariantCulture)]);
        response.Headers.GetValues("grpc-message").Single().ShouldStartWith($"{reason}%3A ");
        (await response.Content.ReadAsByteArrayAsync()).ShouldBeEmpty();
        (await Scrape.OfAsync(world.Client)).Requests("response_code", "grpc_status", "reason").ShouldBe([$"200 {status} {reason} 1"]);
    }

    [Fact]
    public async Task Metrics_OfALiveSidecar_PromtoolHasNothingToSay()
    {
        Assert.SkipUnless(File.Exists(Promtool), $"{Promtool} is not installed");
        await using var world = await World.StartAsync();
        foreach (var kind in Kinds.Select(row => row.Data.Item1).Where(kind => kind != "timeout"))
        {
            await world.SendAsync(kind);
        }

        using (var wire = await Wire.OpenAsync(world.Client.OutboundAddress))
        {
            await wire.SendAsync("EHLO client.example\r\n");
            await wire.EndsByFinAsync();
        }

        using var promtool = Process.Start(new ProcessStartInfo(Promtool, ["check", "metrics"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true })!;
        await promtool.StandardInput.WriteAsync((await Scrape.OfAsync(world.Client)).Text);
        promtool.StandardInput.Close();
        (await promtool.StandardOutput.ReadToEndAsync() + await promtool.StandardError.ReadToEndAsync()).ShouldBeEmpty();
        await promtool.WaitForExitAsync();
        promtool.ExitCode.ShouldBe(0);
    }

    private static List<string> Counted(IEnumerable<string> records) =>
        [.. records.GroupBy(record => record).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"{group.Key} {group.Count()}")];

    /// <summary>A client, a server, an application that does what its path says, and services that don't work.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly MeshFixture _mesh;
        private readonly HttpApp _app;
        private int _hanging;

        private World(MeshFixture mesh, bool http2)
        {
            _mesh = mesh;
            _app = HttpApp.StartAsync("orders", AnswerAsync, http2 ? HttpProtocols.Http2 : HttpProtocols.Http1).GetAwaiter().GetResult();
        }

        public SidecarComponents Client { get; private set; } = null!;

        public SidecarComponents Server { get; private set; } = null!;

        public AccessLogCapture ClientLog { get; } = new();

        public AccessLogCapture ServerLog { get; } = new();

        public int Hanging => Volatile.Read(ref _hanging);

        public static async Task<World> StartAsync(bool http2 = false)
        {
            var mesh = await MeshFixture.StartAsync();
            mesh.ControlPlane.AccessLog = AccessLogMode.All;
            var world = new World(mesh, http2);
            world.Server = await mesh.SidecarAsync(new TestSidecar("orders", world._app.Port) { AccessLog = world.ServerLog });
            world.Client = await mesh.SidecarAsync(new TestSidecar("frontend") { AccessLog = world.ClientLog });
            var orders = world.Server.Identity.Current!.Id;
            mesh.Service(Rule with { RequestTimeout = TimeSpan.FromSeconds(2), Retry = new RetryConfig { Attempts = 0 } }, "orders", world.Server);
            mesh.Service(Rule, "empty", Array.Empty<(IPEndPoint, SpiffeId)>());
            mesh.Service(Rule, "closed", (new IPEndPoint(IPAddress.Loopback, ClosedPort()), orders));
            mesh.Service(Rule, "stranger", (world.Server.InboundAddress, SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/stranger")));
            mesh.ControlPlane.Set(new DestinationConfig
            {
                Authority = "picky",
                Kind = DestinationKind.Service,
                Service = new ServiceRef("shop", "orders", 80),
                Matches = [new RouteMatchConfig { Rule = 0, Method = "TRACE" }],
                Rules = [Rule],
                Backends = [new BackendConfig { Service = new ServiceRef("shop", "orders", 80) }],
            });
            return world;
        }

        /// <summary>Sends a request of a kind; returns the status its caller gets.</summary>
        public async Task<int> SendAsync(string kind)
        {
            using var wire = await Wire.OpenAsync(Client.OutboundAddress);
            await wire.SendAsync(kind switch
            {
                "ok" => "GET /ok HTTP/1.1\r\nHost: orders\r\n\r\n",
                "post" => "POST /ok HTTP/1.1\r\nHost: orders\r\nContent-Length: 4\r\n\r\nbody",
                "application fails" => "GET /fail HTTP/1.1\r\nHost: orders\r\n\r\n",
                "application aborts" => "GET /abort HTTP/1.1\r\nHost: orders\r\n\r\n",
                "no route" => "GET / HTTP/1.1\r\nHost: picky\r\n\r\n",
                "unknown destination" => "GET / HTTP/1.1\r\nHost: nowhere\r\n\r\n",
                "no endpoint" => "GET / HTTP/1.1\r\nHost: empty\r\n\r\n",
                "no connection" => "GET / HTTP/1.1\r\nHost: closed\r\n\r\n",
                "wrong identity" => "GET / HTTP/1.1\r\nHost: stranger\r\n\r\n",
                "bad framing" => "POST / HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "bad host" => "GET / HTTP/1.1\r\nHost: orders:99999\r\n\r\n",
                "timeout" => "GET /hang HTTP/1.1\r\nHost: orders\r\n\r\n",
                _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "unknown"),
            });
            return (await wire.ReadMessageAsync()).ShouldNotBeNull(kind).Status;
        }

        public async ValueTask DisposeAsync()
        {
            await _mesh.DisposeAsync();
            await _app.DisposeAsync();
        }

        private static int ClosedPort()
        {
            using var socket = new TcpListener(IPAddress.Loopback, 0);
            socket.Start();
            return ((IPEndPoint)socket.LocalEndpoint).Port;
        }

        private async Task AnswerAsync(HttpContext context)
        {
            switch (context.Request.Path)
            {
                case "/fail":
                    context.Response.StatusCode = 500;
                    break;
                case "/abort":
                    context.Abort();
                    break;
                case "/hang":
                    Interlocked.Increment(ref _hanging);
                    try
                    {
                        await Task.Delay(Timeout.Infinite, context.RequestAborted);
                    }
                    catch (OperationCanceledException)
                    {
                        Interlocked.Decrement(ref _hanging);
                    }

                    break;
                default:
                    await context.Response.WriteAsync("ok");
                    break;
            }
        }
    }
}
