using System.Net;
using System.Net.Sockets;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests;

/// <summary>
/// What has certainly not reached an application is sent again, whatever its method, and nothing else is: each id is at
/// the applications exactly once, or its caller was told.
/// </summary>
public sealed class UndeliveredTests : IAsyncLifetime
{
    private static readonly SpiffeId Orders = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders");
    private static readonly RouteRuleConfig Rule = new() { Name = "default", Backends = [new WeightedBackendConfig(0, 1)] };

    private readonly AccessLogCapture _log = new();
    private readonly List<IAsyncDisposable> _dead = [];
    private MeshFixture _mesh = null!;
    private SidecarComponents _client = null!;

    public async ValueTask InitializeAsync()
    {
        _mesh = await MeshFixture.StartAsync();
        // Each endpoint has its turn, the bad ones too, however often they fail and whatever it costs.
        _mesh.Policy = new ServicePolicyConfig
        {
            LoadBalancer = new() { Type = LoadBalancerType.RoundRobin }, EndpointCircuit = new() { MaxEjectedPercent = 0 }, RetryBudget = new() { MinPerSecond = 1000 },
        };
        _mesh.ControlPlane.AccessLog = AccessLogMode.All;
        _client = await _mesh.SidecarAsync(new TestSidecar("frontend") { AccessLog = _log });
    }

    public async ValueTask DisposeAsync()
    {
        await _mesh.DisposeAsync();
        foreach (var dead in _dead)
        {
            await dead.DisposeAsync();
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(64 * 1024 - 1)]
    [InlineData(64 * 1024)]
    [InlineData(1024 * 1024)]
    public async Task Post_SomeEndpointsCannotBeReached_ArrivesOnce(int length)
    {
        await using var app = await HttpApp.StartAsync("orders");
        var good = await _mesh.SidecarAsync("orders", app.Port);
        _mesh.Service(Rule, "orders", [.. await DeadAsync("refuses"), .. await DeadAsync("resets"), Reached(good)]);
        using var http = MeshFixture.Client(_client);
        var body = new byte[length];
        new Random(1).NextBytes(body);

        for (var id = 0; id < 12; id++)
        {
            using var request = Post(id, new ByteArrayContent(body));
            using var response = await http.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        }

        Ids(app).ShouldBe(Enumerable.Range(0, 12).Select(id => id.ToString()));
        app.Received.ShouldAllBe(received => received.Body.SequenceEqual(body));
        await Eventually.TrueAsync(() => _log.Lines.Count == 12, "12 lines");
        // In turns: a third of them began at each, and retries do not push the next request to a bad one.
        _log.Lines.Count(line => line.GetProperty("attempts").GetInt32() == 1).ShouldBe(4);
    }

    [Theory]
    [InlineData("refuses")]
    [InlineData("resets")]
    [InlineData("other identity")]
    [InlineData("other authority")]
    [InlineData("no application")]
    public async Task Post_WhateverIsWrongWithTheOtherEndpoint_ArrivesOnce(string fault)
    {
        await using var app = await HttpApp.StartAsync("orders");
        var good = await _mesh.SidecarAsync("orders", app.Port);
        _mesh.Service(Rule, "orders", [.. await DeadAsync(fault), Reached(good)]);
        using var http = MeshFixture.Client(_client);

        for (var id = 0; id < 10; id++)
        {
            using var request = Post(id, new StringContent("body"));
            using var response = await http.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        }

        Ids(app).ShouldBe(Enumerable.Range(0, 10).Select(id => id.ToString()));
        await Eventually.TrueAsync(() => _log.Lines.Count == 10, "10 lines");
        _log.Lines.Count(line => line.GetProperty("attempts").GetInt32() == 2).ShouldBe(5, "every second one began at the bad endpoint");
    }

    [Theory]
    [InlineData("refuses", "connect_failure")]
    [InlineData("no application", "connect_failure")]
    [InlineData("other authority", "tls_failure")]
    public async Task Request_NoEndpointCanBeReached_FailsAfterThreeAttempts(string fault, string reason)
    {
        _mesh.Service(Rule, "orders", [.. await DeadAsync(fault), .. await DeadAsync(fault), .. await DeadAsync(fault), .. await DeadAsync(fault)]);
        using var http = MeshFixture.Client(_client);

        using var request = Post(0, new StringContent("body"));
        using var response = await http.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.BadGateway);
        response.Headers.GetValues("meshlite-error").ShouldBe([reason]);
        response.Headers.Contains("meshlite-undelivered").ShouldBeFalse();
        (await response.Content.ReadAsStringAsync()).ShouldStartWith($"{reason}: ");
        var line = await _log.LineAsync(1);
        line.GetProperty("attempts").GetInt32().ShouldBe(3);
        line.GetProperty("status").GetInt32().ShouldBe(502);
        line.GetProperty("reason").GetString().ShouldBe(reason);
        line.GetProperty("endpoint").GetString().ShouldNotBeEmpty();
    }

    [Fact]
    public async Task Request_NoEndpoints_FailsAtOnce()
    {
        _mesh.Service(Rule, "orders", Array.Empty<(IPEndPoint, SpiffeId)>());
        using var http = MeshFixture.Client(_client);

        using var response = await http.GetAsync(new Uri("http://orders/"));

        response.StatusCode.ShouldBe(HttpStatusCode.ServiceUnavailable);
        response.Headers.GetValues("meshlite-error").ShouldBe(["no_healthy_endpoint"]);
        (await _log.LineAsync(1)).GetProperty("attempts").GetInt32().ShouldBe(0);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Request_TheOnlyEndpointComesUpBetweenAttempts_Arrives(string method)
    {
        await using var app = await HttpApp.StartAsync("orders");
        var good = await _mesh.SidecarAsync("orders", app.Port);
        var connections = 0;
        await using var relay = new TcpApp(async (socket, cancellation) =>
        {
            if (Interlocked.Increment(ref connections) <= 2)
            {
                socket.LingerState = new LingerOption(enable: true, seconds: 0);
                return;
            }

            using var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await server.ConnectAsync(good.InboundAddress, cancellation);
            await using var from = new NetworkStream(socket);
            await using var to = new NetworkStream(server);
            await Task.WhenAny(from.CopyToAsync(to, cancellation), to.CopyToAsync(from, cancellation));
        });
        _mesh.Service(Rule, "orders", (new IPEndPoint(IPAddress.Loopback, relay.Port), Orders));
        using var http = MeshFixture.Client(_client);

        using var request = new HttpRequestMessage(new HttpMethod(method), "http://orders/") { Headers = { { "x-id", "1" } }, Content = method == "POST" ? new StringContent("body") : null };
        using var response = await http.SendAsync(request);

        response.StatusCode.ShouldBe(HttpStatusCode.OK, await response.Content.ReadAsStringAsync());
        Ids(app).ShouldBe(["1"]);
        (await _log.LineAsync(1)).GetProperty("attempts").GetInt32().ShouldBe(3);
    }

    /// <summary>A body that comes slowly and is far from its end: the retry takes over in the middle.</summary>
    [Fact]
    public async Task Stream_WhoseEndpointHasNoApplication_GoesOnAtAnother()
    {
        await using var app = await HttpApp.StartAsync("orders");
        var good = await _mesh.SidecarAsync("orders", app.Port);
        _mesh.Service(Rule, "orders", [.. await DeadAsync("no application"), Reached(good)]);

        for (var id = 0; id < 4; id++)
        {
            using var caller = await Wire.OpenAsync(_client.OutboundAddress);
            await caller.SendAsync($"POST / HTTP/1.1\r\nHost: orders\r\nx-id: {id}\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (var i = 0; i < 10; i++)
            {
                await caller.SendAsync($"5\r\npart{i}\r\n");
                await Task.Delay(10);
            }

            await caller.SendAsync("0\r\n\r\n");
            var response = (await caller.ReadMessageAsync()).ShouldNotBeNull();
            response.Status.ShouldBe(200, response.Text);
            response.Text.ShouldBe(string.Concat(Enumerable.Range(0, 10).Select(i => $"part{i}")));
        }

        Ids(app).ShouldBe(["0", "1", "2", "3"]);
    }

    /// <summary>An upload of which more has been read than is kept for another attempt: it can't be sent again, and its caller is told so.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upload_TooLongToBeKept_ToAnEndpointWithoutApplication_IsToldAsConnectFailure(bool http2)
    {
        _mesh.Service(Rule, "orders", await DeadAsync("no application"));
        using var http = MeshFixture.Client(_client, http2);
        var body = new byte[1024 * 1024];

        for (var id = 0; id < 40; id++)
        {
            using var request = Post(id, new ByteArrayContent(body));
            request.Version = http.DefaultRequestVersion;
            using var response = await http.SendAsync(request);
            response.StatusCode.ShouldBe(HttpStatusCode.BadGateway, $"request {id}: {await response.Content.ReadAsStringAsync()}");
            response.Headers.GetValues("meshlite-error").ShouldBe(["connect_failure"], $"request {id}");
        }
    }

    /// <summary>Whatever the application itself does is not undelivered: no method is sent twice where the rule wants no retries.</summary>
    [Theory]
    [InlineData("GET")]
    [InlineData("DELETE")]
    [InlineData("POST")]
    public async Task Request_TheApplicationTook_IsNeverSentAgain(string method)
    {
        var ids = new System.Collections.Concurrent.ConcurrentQueue<string>();
        await using var app = await HttpApp.StartAsync("orders", context =>
        {
            ids.Enqueue(context.Request.Headers["x-id"].ToString());
            switch (context.Request.Path)
            {
                case "/abort":
                    context.Abort();
                    break;
                case "/forged":
                    context.Response.StatusCode = 502;
                    context.Response.Headers["meshlite-undelivered"] = "1";
                    context.Response.Headers["meshlite-error"] = "connect_failure";
                    break;
                default:
                    context.Response.StatusCode = 503;
                    break;
            }

            return Task.CompletedTask;
        });
        var first = await _mesh.SidecarAsync("orders", app.Port);
        var second = await _mesh.SidecarAsync("orders", app.Port);
        _mesh.Service(Rule with { Retry = new RetryConfig { Attempts = 0 } }, "orders", first, second);
        using var http = MeshFixture.Client(_client);
        string[] paths = ["abort", "forged", "unavailable"];
        int[] statuses = [502, 502, 503];

        for (var id = 0; id < 12; id++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), $"http://orders/{paths[id % 3]}") { Headers = { { "x-id", id.ToString() } }, Content = method == "POST" ? new StringContent("body") : null };
            using var response = await http.SendAsync(request);
            ((int)response.StatusCode).ShouldBe(statuses[id % 3], await response.Content.ReadAsStringAsync());
            response.Headers.Contains("meshlite-error").ShouldBe(id % 3 == 0);
        }

        // Of the idempotent ones that the application broke off, its own sidecar tries again those that a kept-alive connection may have cost.
        var sent = method == "POST" ? ids : ids.Where(id => int.Parse(id) % 3 != 0);
        sent.ShouldBe(Enumerable.Range(0, 12).Where(id => method == "POST" || id % 3 != 0).Select(id => id.ToString()));
    }

    private static (IPEndPoint, SpiffeId) Reached(SidecarComponents sidecar) => (sidecar.InboundAddress, sidecar.Identity.Current!.Id);

    private static HttpRequestMessage Post(int id, HttpContent body) =>
        new(HttpMethod.Post, "http://orders/") { Headers = { { "x-id", id.ToString() } }, Content = body };

    private static IEnumerable<string> Ids(HttpApp app) => app.Received.Select(received => received.Header("x-id")!);

    /// <summary>An endpoint of <c>orders</c> that never serves anything.</summary>
    private async Task<(IPEndPoint, SpiffeId)[]> DeadAsync(string fault)
    {
        switch (fault)
        {
            case "refuses":
                return [(new IPEndPoint(IPAddress.Loopback, ClosedPort()), Orders)];
            case "no application":
                return [Reached(await _mesh.SidecarAsync("orders", ClosedPort()))];
            case "other identity":
                await using (var nobody = new TcpApp())
                {
                    var sidecar = await _mesh.SidecarAsync("orders", nobody.Port);
                    return [(sidecar.InboundAddress, SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/payments"))];
                }

            default:
                var server = fault switch
                {
                    "resets" => new TcpApp((socket, _) =>
                    {
                        socket.LingerState = new LingerOption(enable: true, seconds: 0);
                        return Task.CompletedTask;
                    }),
                    "other authority" => TlsPeer.Server(new TestAuthority(TimeProvider.System).Issue(TestLeaf.For(Orders.ToString())), MeshTls.Http),
                    _ => TlsPeer.Server(TlsPeer.AuthorityOf(_mesh.ControlPlane).Issue(TestLeaf.For(Orders.ToString())), hangsUp: true, MeshTls.Http),
                };
                _dead.Add(server);
                return [(new IPEndPoint(IPAddress.Loopback, server.Port), Orders)];
        }
    }

    // Nobody listens any more: what connects here is refused.
    private static int ClosedPort()
    {
        using var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        return ((IPEndPoint)socket.LocalEndpoint).Port;
    }
}
