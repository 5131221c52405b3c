using System.Collections.Immutable;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>AuthorizationPolicies at the sidecar of the workload called, over every protocol, as they come and go.</summary>
public sealed class AuthorizationTests
{
    private const string Frontend = "spiffe://cluster.local/ns/shop/sa/frontend";
    private static readonly AuthorizationPolicyConfig Nobody = new("shop/nobody", AuthorizationAction.Allow, []);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Http_NotAllowed_IsDeniedWithReason(bool http2)
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        await pair.AuthorizeAsync(Allow("shop/others", new AuthorizationRuleConfig { Principals = ["*/sa/batch"] }));
        using var http = pair.Http(http2);

        using var response = await http.GetAsync(new Uri("http://orders/"));

        response.StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        response.Headers.GetValues("meshlite-error").ShouldBe(["denied"]);
        (await response.Content.ReadAsStringAsync()).ShouldBe("denied: No AuthorizationPolicy with action Allow allows this call.\n");
        app.Received.ShouldBeEmpty();
        var scrape = await Scrape.OfAsync(pair.Server);
        scrape.Sum("meshlite_authorization_total", ("result", "denied"), ("policy", "")).ShouldBe(1, scrape.Text);
        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(pair.Server)).Requests("direction", "response_code", "reason") is ["inbound 403 denied 1"], "the record");
    }

    [Fact]
    public async Task Http_OnAnOpenConnection_IsJudgedByTheNewestPolicy()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var http = pair.Http();
        async Task<int> StatusAsync(string path)
        {
            using var response = await http.GetAsync(new Uri($"http://orders{path}"));
            return (int)response.StatusCode;
        }

        (await StatusAsync("/items/1")).ShouldBe(200);
        await pair.AuthorizeAsync(Allow("shop/items", new AuthorizationRuleConfig { Principals = [Frontend], Namespaces = ["sh*"], Ports = [app.Port], Methods = ["GET"], Paths = ["/items/*"] }));
        (await StatusAsync("/items/1")).ShouldBe(200);
        (await StatusAsync("/orders")).ShouldBe(403);
        await pair.AuthorizeAsync(Allow("shop/port", new AuthorizationRuleConfig { Ports = [app.Port + 1] }));
        (await StatusAsync("/items/1")).ShouldBe(403);
        await pair.AuthorizeAsync();
        (await StatusAsync("/items/1")).ShouldBe(200);

        (await Scrape.OfAsync(pair.Server)).Sum("meshlite_handshakes_total", ("direction", "inbound")).ShouldBe(1, "all by one connection");
    }

    [Fact]
    public async Task Grpc_Denied_IsPermissionDenied()
    {
        await using var app = await GrpcApp.StartAsync(server => server.AddUnary(GrpcApp.Method("Call"), (request, _) => Task.FromResult(request)));
        await using var pair = await MeshPair.StartAsync(app.Port);
        await pair.AuthorizeAsync(Deny("shop/no-calls", new AuthorizationRuleConfig { Paths = ["/test.Echo/*"] }));
        using var http = pair.Http(http2: true);
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://orders/test.Echo/Call") { Content = new ByteArrayContent(new byte[5]), Version = HttpVersion.Version20 };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");

        using var response = await http.SendAsync(request);

        response.Headers.GetValues("grpc-status").ShouldBe(["7"]);
        response.Headers.GetValues("grpc-message").Single().ShouldContain("action Deny");
    }

    [Fact]
    public async Task Tcp_NotAllowed_IsResetBeforeTheApplicationHearsOfIt()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        await pair.AuthorizeAsync(Allow("shop/by-path", new AuthorizationRuleConfig { Principals = [Frontend], Paths = ["*"] }));
        var before = app.Connections;
        using var tunnel = await pair.TunnelAsync();
        using var plaintext = await Wire.OpenAsync(pair.Server.InboundAddress);
        await plaintext.SendAsync("\u0001\u0002anything\n");

        (await tunnel.EndsByFinAsync()).ShouldBeFalse();
        (await plaintext.EndsByFinAsync()).ShouldBeFalse();

        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(pair.Server)).Sum("meshlite_connections_refused_total", ("listener", "inbound"), ("reason", "denied")) == 2, "counted");
        (await Scrape.OfAsync(pair.Server)).Sum("meshlite_tcp_connections_closed_total", ("reason", "denied")).ShouldBe(2);
        // The sidecar's own health checks connect too; none of the callers' connections did.
        (await Scrape.OfAsync(pair.Server)).Sum("meshlite_tcp_received_bytes_total").ShouldBe(0);
        before.ShouldBeLessThanOrEqualTo(app.Connections);
    }

    [Fact]
    public async Task Tcp_NoLongerAllowed_IsCut()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        await pair.AuthorizeAsync(Allow("shop/frontend", new AuthorizationRuleConfig { Principals = [Frontend] }));
        using var tunnel = await pair.TunnelAsync();
        await EchoAsync(tunnel);
        await pair.AuthorizeAsync(Allow("shop/shop", new AuthorizationRuleConfig { Namespaces = ["shop"] }));
        await EchoAsync(tunnel);

        await pair.AuthorizeAsync(Nobody);

        (await tunnel.EndsByFinAsync()).ShouldBeFalse();
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(pair.Server)).Sum("meshlite_tcp_connections_closed_total", ("reason", "denied")) == 1, "counted");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WebSocket_NoLongerAllowed_IsCut(bool plaintext)
    {
        await using var app = await HttpApp.StartAsync("orders", async context =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var buffer = new byte[100];
            while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: WebSocketMessageType.Text } got)
            {
                await socket.SendAsync(buffer.AsMemory(0, got.Count), WebSocketMessageType.Text, true, default);
            }
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        await pair.AuthorizeAsync(Allow("shop/get", new AuthorizationRuleConfig { Methods = ["GET"], Paths = ["/chat"] }));
        using var client = new ClientWebSocket();
        using var invoker = new HttpMessageInvoker(MeshFixture.Handler(pair.Client));
        await client.ConnectAsync(plaintext ? new Uri($"ws://{pair.Server.InboundAddress}/chat") : new Uri("ws://orders/chat"), plaintext ? null : invoker, default);
        await client.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, true, default);
        (await client.ReceiveAsync(new byte[100], default)).Count.ShouldBe(5);

        await pair.AuthorizeAsync(Allow("shop/get", new AuthorizationRuleConfig { Methods = ["GET"], Paths = ["/other"] }));

        await Should.ThrowAsync<WebSocketException>(() => client.ReceiveAsync(new byte[100], default).WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Audit_Matching_IsServedCountedAndLogged()
    {
        var logs = new LogCapture();
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Authorization = [new("shop/watch", AuthorizationAction.Audit, [new AuthorizationRuleConfig { Paths = ["/admin/*"] }])];
        var server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Logs = logs });
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        using var http = MeshFixture.Client(client);

        (await http.GetAsync(new Uri("http://orders/admin/x?token=secret"))).StatusCode.ShouldBe(HttpStatusCode.OK);
        (await http.GetAsync(new Uri("http://orders/else"))).StatusCode.ShouldBe(HttpStatusCode.OK);

        (await Scrape.OfAsync(server)).Sum("meshlite_authorization_total", ("result", "audited"), ("policy", "shop/watch")).ShouldBe(1);
        var line = logs.Lines.Single(line => line.StartsWith("Audited: ", StringComparison.Ordinal));
        line.ShouldContain($"shop/watch (Audit) matches {Frontend} calling port {app.Port}: GET /admin/x");
        line.ShouldNotContain("secret");
    }

    [Fact]
    public async Task Plaintext_WhereCallersMustBeKnown_IsDenied()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        await pair.AuthorizeAsync(Allow("shop/anybody-known", new AuthorizationRuleConfig { Principals = ["*"] }));
        using var direct = new HttpClient();
        using var http = pair.Http();

        (await direct.GetAsync(new Uri($"http://{pair.Server.InboundAddress}/"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);
        (await http.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Policy_NotUnderstood_LetsNobodyInAndIsLogged()
    {
        var logs = new LogCapture();
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Authorization = [new("shop/from-the-future", AuthorizationAction.Unintelligible, [])];
        var server = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Logs = logs });
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        using var http = MeshFixture.Client(client);

        (await http.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.Forbidden);

        logs.Lines.ShouldContain(line => line.StartsWith("PolicyUnintelligible: ", StringComparison.Ordinal) && line.Contains("shop/from-the-future", StringComparison.Ordinal));
    }

    private static async Task EchoAsync(Wire wire)
    {
        await wire.SendAsync("hello\n");
        Encoding.Latin1.GetString(await wire.ReadAsync(6)).ShouldBe("hello\n");
    }

    private static AuthorizationPolicyConfig Allow(string name, params ImmutableArray<AuthorizationRuleConfig> rules) => new(name, AuthorizationAction.Allow, rules);

    private static AuthorizationPolicyConfig Deny(string name, params ImmutableArray<AuthorizationRuleConfig> rules) => new(name, AuthorizationAction.Deny, rules);
}
