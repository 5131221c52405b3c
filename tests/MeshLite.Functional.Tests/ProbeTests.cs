using System.Collections.Frozen;
using System.Net;
using Google.Protobuf.WellKnownTypes;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Sidecar;
using MeshLite.Sidecar.Probes;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Functional.Tests;

/// <summary>The kubelet's probes, asked of the sidecar's telemetry listener; everything under Strict, where the application's own port takes none of them.</summary>
public sealed class ProbeTests
{
    private static readonly HttpClient Kubelet = new(new SocketsHttpHandler { AllowAutoRedirect = false }) { DefaultRequestHeaders = { { "User-Agent", "kube-probe/1.36" } } };

    [Theory]
    [InlineData(200, 200)]
    [InlineData(204, 200)]
    [InlineData(304, 200)]
    [InlineData(404, 404)]
    [InlineData(500, 500)]
    public async Task Http_Status_DecidesAsTheKubeletWould(int status, int expected)
    {
        await using var app = await HttpApp.StartAsync("orders", context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port, """{"app/liveness":{"httpGet":{"path":"/live","port":PORT}}}""");

        var (answered, says) = await AskAsync(sidecar, "app/liveness");

        answered.ShouldBe(expected);
        says.ShouldContain($"{status}");
    }

    [Fact]
    public async Task Http_Request_IsAsThePodSays()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port,
            """{"app/readiness":{"httpGet":{"path":"/a%2Fb?c=d","port":PORT,"httpHeaders":[{"name":"Host","value":"orders.example"},{"name":"X-Probe","value":"é"},{"name":"Content-Type","value":"text/x"}]}}}""");

        (await AskAsync(sidecar, "app/readiness")).Status.ShouldBe(200);

        var received = app.Received.ShouldHaveSingleItem();
        (received.Method, received.RawTarget).ShouldBe(("GET", "/a%2Fb?c=d"));
        received.Headers["Host"].ShouldBe("orders.example");
        received.Headers["User-Agent"].ShouldBe("kube-probe/1.36");
        received.Headers["Accept"].ShouldBe("*/*");
        received.Headers["Content-Type"].ShouldBe("text/x");
        received.Headers["X-Probe"].ShouldBe("é");
    }

    [Fact]
    public async Task Http_Redirects_AreFollowedWithinTheHost()
    {
        await using var app = await HttpApp.StartAsync("orders", context =>
        {
            context.Response.StatusCode = context.Request.Path.Value switch { "/" or "/loop" or "/away" => 302, "/login" => 500, _ => 404 };
            context.Response.Headers.Location = context.Request.Path.Value switch { "/" => "/login", "/loop" => "/loop", "/away" => "http://elsewhere.example/", _ => default };
            return Task.CompletedTask;
        });
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port,
            """{"app/liveness":{"httpGet":{"path":"/","port":PORT}},"app/readiness":{"httpGet":{"path":"/loop","port":PORT}},"app/startup":{"httpGet":{"path":"/away","port":PORT}}}""");

        (await AskAsync(sidecar, "app/liveness")).Status.ShouldBe(500);
        (await AskAsync(sidecar, "app/readiness")).ShouldBe((503, "the application redirects more than 10 times\n"));
        (await AskAsync(sidecar, "app/startup")).ShouldBe((200, "the application answers 302, to another host\n"));
    }

    [Fact]
    public async Task Https_OfAnyCertificate_IsAsked()
    {
        using var certificate = TestAuthority.SelfSigned(TestLeaf.For("spiffe://own/app"), TimeProvider.System);
        await using var app = await HttpApp.StartAsync("orders", configure: kestrel => kestrel.ConfigureEndpointDefaults(listen => listen.UseHttps(certificate)));
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port,
            """{"app/liveness":{"httpGet":{"path":"/live","port":PORT,"scheme":"HTTPS"}},"app/readiness":{"httpGet":{"path":"/live","port":PORT}}}""");

        (await AskAsync(sidecar, "app/liveness")).Status.ShouldBe(200);
        app.Received.ShouldHaveSingleItem().RawTarget.ShouldBe("/live");
        (await AskAsync(sidecar, "app/readiness")).Status.ShouldNotBe(200);
    }

    [Fact]
    public async Task Http_SlowerThanTheTimeout_IsBad()
    {
        await using var app = await HttpApp.StartAsync("orders", context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port, """{"app/liveness":{"httpGet":{"path":"/","port":PORT},"timeoutSeconds":1}}""");

        (await AskAsync(sidecar, "app/liveness")).ShouldBe((503, $"port {app.Port} of the application: no answer within 1 s\n"));
    }

    [Fact]
    public async Task Tcp_OpenOrNot_Decides()
    {
        await using var mesh = await StrictAsync();
        var app = new TcpApp();
        var sidecar = await SidecarAsync(mesh, app.Port, """{"app/liveness":{"tcpSocket":{"port":PORT}}}""");

        (await AskAsync(sidecar, "app/liveness")).Status.ShouldBe(200);
        await app.DisposeAsync();
        (await AskAsync(sidecar, "app/liveness")).Status.ShouldBe(503);
    }

    [Fact]
    public async Task Grpc_HealthStatus_Decides()
    {
        var asked = "";
        var server = new GrpcServer(new GrpcServerOptions(), TimeProvider.System, NullLogger<GrpcServer>.Instance);
        server.AddUnary(new GrpcMethod<StringValue, Int32Value>("grpc.health.v1.Health", "Check", StringValue.Parser, Int32Value.Parser), (request, _) =>
        {
            asked += request.Value + ";";
            return request.Value == "unknown" ? throw new GrpcException(GrpcStatusCode.NotFound, "no such service") : Task.FromResult(new Int32Value { Value = request.Value == "down" ? 2 : 1 });
        });
        await using var app = await HttpApp.StartAsync("orders", server.HandleAsync, HttpProtocols.Http2, kestrel => GrpcServer.Configure(kestrel.Limits));
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port,
            """{"app/liveness":{"grpc":{"port":PORT}},"app/readiness":{"grpc":{"port":PORT,"service":"down"}},"app/startup":{"grpc":{"port":PORT,"service":"unknown"}}}""");

        (await AskAsync(sidecar, "app/liveness")).Status.ShouldBe(200);
        (await AskAsync(sidecar, "app/readiness")).ShouldBe((503, "the application's health status is 2, not SERVING\n"));
        (await AskAsync(sidecar, "app/startup")).Says.ShouldContain("no such service");
        asked.ShouldBe(";down;unknown;");
    }

    [Fact]
    public async Task Path_NotOfThePod_IsNotFound()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port, """{"app/liveness":{"httpGet":{"path":"/","port":PORT}}}""");

        (await AskAsync(sidecar, "app/readiness")).Status.ShouldBe(404);
        (await AskAsync(sidecar, "")).Status.ShouldBe(404);
        app.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task OpaquePort_OfThePod_IsNotParsed()
    {
        await using var app = new TcpApp();
        await using var mesh = await MeshFixture.StartAsync();
        var sidecar = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Options = options => options with { OpaquePorts = [app.Port] } });
        using var caller = await Wire.OpenAsync(sidecar.InboundAddress);

        const string Request = "GET /x HTTP/1.1\r\nHost: orders\r\n\r\n";
        await caller.SendAsync(Request);

        System.Text.Encoding.Latin1.GetString(await caller.ReadAsync(Request.Length)).ShouldBe(Request);
    }

    private static async Task<MeshFixture> StrictAsync()
    {
        var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Mtls = MtlsMode.Strict;
        return mesh;
    }

    private static Task<SidecarComponents> SidecarAsync(MeshFixture mesh, int port, string probes) => mesh.SidecarAsync(new TestSidecar("orders", port)
    {
        Options = options => options with { Probes = ProbeTable.Parse("--probes", probes.Replace("PORT", $"{port}", StringComparison.Ordinal)) },
    });

    private static async Task<(int Status, string Says)> AskAsync(SidecarComponents sidecar, string probe)
    {
        using var response = await Kubelet.GetAsync(new Uri($"http://{sidecar.Server.TelemetryAddress}/probe/{probe}"));
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
