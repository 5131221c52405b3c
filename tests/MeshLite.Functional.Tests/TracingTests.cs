using System.Net;
using System.Net.Sockets;
using MeshLite.Collector;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using MeshLite.TestKit.Otlp;
using Microsoft.AspNetCore.Http;
using static MeshLite.Functional.Tests.Kit.GrpcApp;

namespace MeshLite.Functional.Tests;

/// <summary>Traces through real sidecars to a collector that speaks OTLP.</summary>
public sealed class TracingTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";

    [Theory]
    [InlineData(OtlpProtocol.Grpc)]
    [InlineData(OtlpProtocol.HttpProtobuf)]
    public async Task Request_OverThreeHops_IsOneTraceWithEachHopTheParentOfTheNext(OtlpProtocol protocol)
    {
        await using var collector = await OtlpReceiver.StartAsync(overGrpc: protocol == OtlpProtocol.Grpc);
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Tracing = new TracingConfig { Endpoint = collector.Address, Protocol = protocol, SamplingPercent = 100 };
        await using var stock = await HttpApp.StartAsync("stock");
        var last = await mesh.SidecarAsync("stock", stock.Port);
        await using var inventory = await CallerAsync("inventory", "stock");
        var middle = await mesh.SidecarAsync("inventory", inventory.App.Port);
        await using var orders = await CallerAsync("orders", "inventory");
        var first = await mesh.SidecarAsync("orders", orders.App.Port);
        var client = await mesh.SidecarAsync("frontend");
        inventory.Through = middle;
        orders.Through = first;
        mesh.Service("stock", last);
        mesh.Service("inventory", middle);
        mesh.Service("orders", first);
        using var http = MeshFixture.Client(client);

        using var response = await http.GetAsync(new Uri("http://orders/items?token=secret"));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Headers.Contains("traceparent").ShouldBeFalse();
        var spans = await collector.SpansAsync(6);
        spans.Count.ShouldBe(6);
        var chain = new List<ReceivedSpan> { spans.Single(span => span.Parent.Length == 0) };
        while (spans.SingleOrDefault(span => span.Parent == chain[^1].Id) is { } child)
        {
            chain.Add(child);
        }

        chain.Select(span => $"{span.Kind} {span.Service}").ShouldBe(
            ["Client frontend-4", "Server orders", "Client orders", "Server inventory", "Client inventory", "Server stock"]);
        chain.Select(span => span.TraceId).Distinct().Count().ShouldBe(1);
        chain.ShouldAllBe(span => span.Sampled && span.Status == "Unset" && span.Attributes["http.response.status_code"] == "200" && span.End > span.Start);
        stock.Received.Single().Headers["traceparent"].ShouldBe($"00-{chain[0].TraceId}-{chain[^1].Id}-01");
        chain.SelectMany(span => span.Attributes.Values).ShouldAllBe(value => !value.Contains("secret"));
        chain[1].Resource.ShouldBe(new Dictionary<string, string> { ["service.name"] = "orders", ["service.namespace"] = "shop", ["service.instance.id"] = "orders-3" }, ignoreOrder: true);
        chain[0].Name.ShouldBe("GET default");
        chain[1].Name.ShouldBe("GET");
        chain[0].Attributes["server.address"].ShouldBe("orders");
        chain[0].Attributes["network.peer.port"].ShouldBe(first.InboundAddress.Port.ToString());
        chain[1].Attributes["url.path"].ShouldBe("/items");
        chain[1].Attributes["meshlite.source.workload"].ShouldBe("frontend-4");
    }

    [Theory]
    [InlineData("00", "/", 0)]
    [InlineData("00", "/fail", 2)]
    [InlineData("01", "/", 2)]
    [InlineData("01", "/fail", 2)]
    public async Task Request_Sampled_OrFailed_IsExportedAndTheFlagsPassUnchanged(string flags, string path, int expected)
    {
        await using var world = await World.StartAsync(samplingPercent: flags == "00" ? 100 : 0);

        await world.SendAsync(path, ("traceparent", $"00-{Trace}-{Span}-{flags}"), ("tracestate", "a=1,b=2"));

        // A last one that is exported: before it, all others are.
        await world.SendAsync("/", ("traceparent", $"00-{Trace}-{Span}-01"));
        var spans = (await world.Collector.SpansAsync(expected + 2)).ToArray();
        spans.Length.ShouldBe(expected + 2);
        var received = world.App.Received.First();
        received.Headers["traceparent"].ShouldStartWith($"00-{Trace}-");
        received.Headers["traceparent"].ShouldEndWith($"-{flags}");
        received.Headers["traceparent"].ShouldNotContain(Span);
        received.Headers["tracestate"].ShouldBe("a=1,b=2");
        if (expected > 0)
        {
            var client = spans.Single(span => span.Kind == "Client" && span.TraceState.Length > 0);
            var server = spans.Single(span => span.Parent == client.Id);
            client.Parent.ShouldBe(Span);
            received.Headers["traceparent"].ShouldBe($"00-{Trace}-{server.Id}-{flags}");
            foreach (var span in (ReceivedSpan[])[client, server])
            {
                span.Sampled.ShouldBe(flags == "01");
                span.TraceState.ShouldBe("a=1,b=2");
                span.Status.ShouldBe(path == "/fail" ? "Error" : "Unset");
                span.Attributes.GetValueOrDefault("error.type").ShouldBe(path == "/fail" ? "500" : null);
            }
        }
    }

    [Fact]
    public async Task Request_MeshFailsIt_IsASpanThatSaysWhy()
    {
        await using var world = await World.StartAsync(samplingPercent: 0);

        using var response = await world.Http.GetAsync(new Uri("http://empty/"));

        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        var span = (await world.Collector.SpansAsync(1)).Single();
        span.Status.ShouldBe("Error");
        span.StatusMessage.ShouldBe("'shop/empty:80' has no ready endpoint.");
        span.Attributes["error.type"].ShouldBe("no_healthy_endpoint");
        span.Attributes["meshlite.reason"].ShouldBe("no_healthy_endpoint");
    }

    [Fact]
    public async Task Request_B3Single_GoesOnAsB3Single()
    {
        await using var world = await World.StartAsync(samplingPercent: 0);

        await world.SendAsync("/", ("b3", $"a3ce929d0e0e4736-{Span}-1"));

        var spans = await world.Collector.SpansAsync(2);
        var client = spans.Single(span => span.Kind == "Client");
        var server = spans.Single(span => span.Kind == "Server");
        client.TraceId.ShouldBe("0000000000000000a3ce929d0e0e4736");
        client.Parent.ShouldBe(Span);
        server.Parent.ShouldBe(client.Id);
        var headers = world.App.Received.Single().Headers;
        headers["b3"].ShouldBe($"a3ce929d0e0e4736-{server.Id}-1-{client.Id}");
        headers.ContainsKey("traceparent").ShouldBeFalse();
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1", 2)]
    public async Task Request_B3Multi_GoesOnAsB3Multi(string sampled, int expected)
    {
        await using var world = await World.StartAsync(samplingPercent: 100);

        await world.SendAsync("/", ("X-B3-TraceId", Trace), ("X-B3-SpanId", Span), ("X-B3-Sampled", sampled));
        await world.SendAsync("/", ("traceparent", $"00-{Trace}-{Span}-01"));

        (await world.Collector.SpansAsync(expected + 2)).Count.ShouldBe(expected + 2);
        var headers = world.App.Received.First().Headers;
        headers["X-B3-TraceId"].ShouldBe(Trace);
        headers["X-B3-SpanId"].ShouldNotBe(Span);
        headers["X-B3-ParentSpanId"].ShouldNotBe(Span);
        headers["X-B3-Sampled"].ShouldBe(sampled);
        headers.ContainsKey("traceparent").ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, "00")]
    [InlineData(100, "01")]
    public async Task Request_WithoutContext_BeginsATraceThatTheAccessLogNames(double percent, string flags)
    {
        await using var world = await World.StartAsync(percent);

        await world.SendAsync("/", ("tracestate", "orphan=1"));

        var headers = world.App.Received.Single().Headers;
        headers["traceparent"].ShouldEndWith($"-{flags}");
        headers.ContainsKey("tracestate").ShouldBeFalse();
        var trace = headers["traceparent"].Split('-')[1];
        (await world.ClientLog.LineAsync(1)).GetProperty("trace_id").GetString().ShouldBe(trace);
        (await world.ServerLog.LineAsync(1)).GetProperty("trace_id").GetString().ShouldBe(trace);
    }

    [Fact]
    public async Task Request_SentAgain_IsOneSpanThatCountsTheSends()
    {
        await using var world = await World.StartAsync(samplingPercent: 100);
        world.Mesh.Service(Rule, "half", (new IPEndPoint(IPAddress.Loopback, ClosedPort()), world.Server.Identity.Current!.Id), (world.Server.InboundAddress, world.Server.Identity.Current!.Id));

        const int Requests = 20;
        for (var i = 0; i < Requests; i++)
        {
            using var response = await world.Http.GetAsync(new Uri("http://half/"));
            response.StatusCode.ShouldBe(HttpStatusCode.OK);
        }

        var spans = await world.Collector.SpansAsync(2 * Requests);
        spans.Count.ShouldBe(2 * Requests);
        var resent = spans.Where(span => span.Attributes.ContainsKey("http.request.resend_count")).ToArray();
        resent.Length.ShouldBeGreaterThan(0);
        resent.ShouldAllBe(span => span.Kind == "Client" && span.Attributes["http.request.resend_count"] == "1");
    }

    [Fact]
    public async Task Request_FallbackAnswers_IsAFailedSpanThatSaysWhatWasMasked()
    {
        await using var world = await World.StartAsync(samplingPercent: 0);
        var rule = Rule with { Fallback = new FallbackConfig { Response = new StaticResponseConfig(200, "text/plain", "later") } };
        world.Mesh.Service(rule, "empty", Array.Empty<SidecarComponents>());
        await Eventually.TrueAsync(async () =>
        {
            using var response = await world.Http.GetAsync(new Uri("http://empty/"));
            return response.StatusCode == HttpStatusCode.OK;
        }, "the fallback");

        await Eventually.TrueAsync(() => world.Collector.Spans.Any(span => span.Attributes["http.response.status_code"] == "200"), "its span");
        var span = world.Collector.Spans.First(span => span.Attributes["http.response.status_code"] == "200");
        span.Status.ShouldBe("Error");
        span.StatusMessage.ShouldBe("'shop/empty:80' has no ready endpoint.");
        span.Attributes["error.type"].ShouldBe("no_healthy_endpoint");
    }

    [Fact]
    public async Task Request_Hedged_IsOneClientSpanWithAServerSpanForEachSend()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Tracing = new TracingConfig { Endpoint = collector.Address, SamplingPercent = 100 };
        var requests = 0;
        await using var app = await HttpApp.StartAsync("orders", context => Interlocked.Increment(ref requests) == 1
            ? Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default)
            : Task.CompletedTask);
        var servers = new[] { await mesh.SidecarAsync("orders", app.Port), await mesh.SidecarAsync("orders", app.Port) };
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service(Rule with { Hedge = new HedgeConfig(TimeSpan.FromMilliseconds(20)) }, "orders", servers);
        using var http = MeshFixture.Client(client);

        using var response = await http.GetAsync(new Uri("http://orders/"));

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        var spans = await collector.SpansAsync(3);
        var hedged = spans.Single(span => span.Kind == "Client");
        hedged.Attributes["http.request.resend_count"].ShouldBe("1");
        spans.Where(span => span.Kind == "Server").Select(span => span.Parent).ShouldBe([hedged.Id, hedged.Id]);
        spans.Count(span => span.Attributes.GetValueOrDefault("error.type") == "cancelled").ShouldBe(1);
    }

    [Fact]
    public async Task GrpcCall_Fails_IsASpanByTheConventionsForRpc()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var app = await GrpcApp.StartAsync(server => server.AddUnary(Method("Call"), (_, _) => throw new GrpcException(GrpcStatusCode.NotFound, "no such")));
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Tracing = new TracingConfig { Endpoint = collector.Address, SamplingPercent = 0 };
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(client));

        await Should.ThrowAsync<GrpcException>(new GrpcChannel(new Uri("http://orders"), invoker, new GrpcChannelOptions(), TimeProvider.System).UnaryAsync(Method("Call"), Text("x"), new GrpcCallOptions()));

        var spans = await collector.SpansAsync(2);
        spans.ShouldAllBe(span => span.Attributes["rpc.system.name"] == "grpc" && span.Attributes["rpc.method"] == "test.Echo/Call" && span.Attributes["rpc.response.status_code"] == "NOT_FOUND");
        // What the caller asked wrongly is its error, not the server's.
        spans.Single(span => span.Kind == "Client").Status.ShouldBe("Error");
        spans.Single(span => span.Kind == "Server").Status.ShouldBe("Unset");
    }

    [Fact]
    public async Task Settings_Change_HoldFromTheNextRequestOn()
    {
        await using var world = await World.StartAsync(samplingPercent: 100);
        await using var other = await OtlpReceiver.StartAsync(overGrpc: false);
        await world.SendAsync("/");
        await world.Collector.SpansAsync(2);

        world.Mesh.ControlPlane.Tracing = new TracingConfig { Endpoint = other.Address, Protocol = OtlpProtocol.HttpProtobuf, SamplingPercent = 100 };
        world.Mesh.ControlPlane.PublishMesh();
        await Eventually.TrueAsync(async () =>
        {
            await world.SendAsync("/");
            return other.Spans.Count > 0;
        }, "spans at the other collector");

        // Off: headers pass as they are, however odd.
        world.Mesh.ControlPlane.Tracing = new TracingConfig();
        world.Mesh.ControlPlane.PublishMesh();
        await Eventually.TrueAsync(async () =>
        {
            await world.SendAsync("/", ("traceparent", "odd"), ("b3", "odder"));
            return world.App.Received.Last().Headers["traceparent"] == "odd";
        }, "tracing is off");
        world.App.Received.Last().Headers["b3"].ShouldBe("odder");
        var exported = other.Spans.Count;
        await world.SendAsync("/fail");
        world.App.Received.Last().Headers.ContainsKey("traceparent").ShouldBeFalse();
        other.Spans.Count.ShouldBe(exported);
    }

    [Fact]
    public async Task Collector_DownAndUpAgain_DisturbsNoRequestAndIsCountedAndToldOnce()
    {
        var logs = new LogCapture();
        await using var world = await World.StartAsync(samplingPercent: 100, logs);
        world.Collector.Refuses = true;

        for (var refused = 1; refused <= 2; refused++)
        {
            await world.SendAsync("/");
            await Eventually.TrueAsync(async () => (await DroppedAsync(world.Client)) >= refused, "a span is dropped");
        }

        world.Collector.Refuses = false;
        await world.SendAsync("/");
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(world.Client)).Sum("meshlite_spans_exported_total") == 1, "the third is taken");

        (await DroppedAsync(world.Client)).ShouldBe(2);
        await Eventually.TrueAsync(() => logs.Lines.Count(line => line.Contains("takes spans again")) == 1, "the line of the end");
        logs.Lines.Count(line => line.Contains("spans can't be exported")).ShouldBe(1);
        logs.Lines.Single(line => line.Contains("spans can't be exported")).ShouldContain("grpc-status 14");
    }

    private static readonly RouteRuleConfig Rule = new() { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] };

    private static async Task<double> DroppedAsync(SidecarComponents sidecar) =>
        (await Scrape.OfAsync(sidecar)).Sum("meshlite_spans_dropped_total", ("cause", "export_failed"));

    private static int ClosedPort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }

    private static async Task<Caller> CallerAsync(string name, string next)
    {
        var caller = new Caller(next);
        caller.App = await HttpApp.StartAsync(name, caller.AnswerAsync);
        return caller;
    }

    /// <summary>An application that calls another through its own sidecar, and passes the trace on as every application has to.</summary>
    private sealed class Caller(string next) : IAsyncDisposable
    {
        public HttpApp App { get; set; } = null!;

        public SidecarComponents Through { get; set; } = null!;

        public async Task AnswerAsync(HttpContext context)
        {
            using var http = MeshFixture.Client(Through);
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{next}/");
            request.Headers.Add("traceparent", context.Request.Headers.TraceParent.ToString());
            using var response = await http.SendAsync(request);
            context.Response.StatusCode = (int)response.StatusCode;
        }

        public ValueTask DisposeAsync() => App.DisposeAsync();
    }

    /// <summary>A client, a server with an application that answers 500 on <c>/fail</c>, a service without endpoints, a collector.</summary>
    private sealed class World : IAsyncDisposable
    {
        public MeshFixture Mesh { get; private set; } = null!;

        public HttpApp App { get; private set; } = null!;

        public OtlpReceiver Collector { get; private set; } = null!;

        public SidecarComponents Client { get; private set; } = null!;

        public SidecarComponents Server { get; private set; } = null!;

        public HttpClient Http { get; private set; } = null!;

        public AccessLogCapture ClientLog { get; } = new();

        public AccessLogCapture ServerLog { get; } = new();

        public static async Task<World> StartAsync(double samplingPercent, LogCapture? clientLogs = null)
        {
            var world = new World { Mesh = await MeshFixture.StartAsync(), Collector = await OtlpReceiver.StartAsync() };
            world.Mesh.ControlPlane.AccessLog = AccessLogMode.All;
            world.Mesh.ControlPlane.Tracing = new TracingConfig { Endpoint = world.Collector.Address, SamplingPercent = samplingPercent };
            world.App = await HttpApp.StartAsync("orders", context =>
            {
                context.Response.StatusCode = context.Request.Path == "/fail" ? 500 : 200;
                return world.App.AnswerAsync(context);
            });
            world.Server = await world.Mesh.SidecarAsync(new TestSidecar("orders", world.App.Port) { AccessLog = world.ServerLog });
            world.Client = await world.Mesh.SidecarAsync(new TestSidecar("frontend") { AccessLog = world.ClientLog, Logs = clientLogs });
            world.Mesh.Service("orders", world.Server);
            world.Mesh.Service("empty", Array.Empty<SidecarComponents>());
            world.Http = MeshFixture.Client(world.Client);
            return world;
        }

        public async Task SendAsync(string path, params (string Name, string Value)[] headers)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://orders{path}");
            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var response = await Http.SendAsync(request);
            ((int)response.StatusCode).ShouldBe(path == "/fail" ? 500 : 200);
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            await Mesh.DisposeAsync();
            await App.DisposeAsync();
            await Collector.DisposeAsync();
        }
    }
}
