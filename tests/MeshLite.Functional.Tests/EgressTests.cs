using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>What leaves the mesh where not everything may: by Host, by CONNECT, by server name; and what has left already.</summary>
public sealed class EgressTests
{
    [Theory]
    [InlineData("localhost", "localhost", 200)]
    [InlineData("localhost", "LocalHost", 200)]
    [InlineData("localhost", "127.0.0.1", 403)]
    [InlineData("localhost", "127.1", 403)]
    [InlineData("localhost", "2130706433", 403)]
    [InlineData("127.0.0.0/8", "127.0.0.1", 200)]
    [InlineData("127.0.0.0/8", "localhost", 403)]
    [InlineData("example.com", "localhost", 403)]
    [InlineData("", "localhost", 403)]
    public async Task Http_OutOfTheMesh_IsAllowedByItsHost(string allow, string host, int status)
    {
        await using var world = await World.StartAsync(allow, host.ToLowerInvariant());
        using var wire = await world.Pair.WireAsync();

        await wire.SendAsync($"GET /x HTTP/1.1\r\nHost: {host}:{world.Outside.Port}\r\n\r\n");
        var response = await wire.ReadMessageAsync();

        response!.Status.ShouldBe(status, response.Text);
        world.Outside.Received.Count.ShouldBe(status == 200 ? 1 : 0);
        if (status != 200)
        {
            response.Value("meshlite-error").ShouldBe("denied");
            response.Text.ShouldContain("outside the mesh, and MeshConfig's egress does not allow it");
            await Eventually.TrueAsync(
                async () => (await Scrape.OfAsync(world.Pair.Client)).Requests("direction", "destination_service", "reason") is ["outbound _outside denied 1"], "the record");
        }
    }

    [Fact]
    public async Task Http_EachRequestOfAConnection_IsJudgedByItsOwnHost()
    {
        await using var world = await World.StartAsync("localhost", "localhost", "127.0.0.1");
        using var wire = await world.Pair.WireAsync();

        foreach (var (host, status) in ((string, int)[])[("localhost", 200), ("127.0.0.1", 403), ("localhost", 200)])
        {
            await wire.SendAsync($"GET / HTTP/1.1\r\nHost: {host}:{world.Outside.Port}\r\n\r\n");
            (await wire.ReadMessageAsync())!.Status.ShouldBe(status);
        }
    }

    /// <summary>RFC 9112 §3.2.2: an absolute target names the host, and Host is ignored.</summary>
    [Fact]
    public async Task Http_AbsoluteTargetAndAnotherHost_AreNotTwoDestinations()
    {
        await using var world = await World.StartAsync("localhost", "localhost", "127.0.0.1");
        using var wire = await world.Pair.WireAsync();

        await wire.SendAsync($"GET http://127.0.0.1:{world.Outside.Port}/ HTTP/1.1\r\nHost: localhost:{world.Outside.Port}\r\n\r\n");
        var response = await wire.ReadMessageAsync();

        response!.Status.ShouldBeOneOf(400, 403);
        world.Outside.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Mesh_Called_IsNotOutOfIt()
    {
        await using var world = await World.StartAsync("");
        using var http = world.Pair.Http();

        (await http.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("localhost", 200)]
    [InlineData("example.com", 403)]
    public async Task Connect_OutOfTheMesh_IsAllowedByItsHost(string allow, int status)
    {
        await using var world = await World.StartAsync(allow, "localhost");
        using var wire = await world.Pair.WireAsync();

        await wire.SendAsync($"CONNECT localhost:{world.Tcp.Port} HTTP/1.1\r\nHost: localhost\r\n\r\n");

        var response = await wire.ReadMessageAsync(hasBody: status != 200);
        response!.Status.ShouldBe(status);
        world.Tcp.Connections.ShouldBe(status == 200 ? 1 : 0);
    }

    [Fact]
    public async Task Tls_ToANameThatIsNotAllowed_IsReset()
    {
        await using var world = await World.StartAsync("example.com");
        world.Pair.Mesh.ControlPlane.Set(new DestinationConfig { Authority = "localhost:443", Kind = DestinationKind.NotInMesh });
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(world.Pair.Client.OutboundAddress);
        await using var caller = new SslStream(new NetworkStream(socket));

        await Should.ThrowAsync<IOException>(() => caller.AuthenticateAsClientAsync("localhost"));

        (await Scrape.OfAsync(world.Pair.Client)).Sum("meshlite_connections_refused_total", ("listener", "outbound"), ("reason", "denied")).ShouldBe(1);
    }

    [Fact]
    public async Task Tunnel_NoLongerAllowed_IsCut()
    {
        await using var world = await World.StartAsync("localhost", "localhost");
        using var wire = await world.Pair.WireAsync();
        await wire.SendAsync($"CONNECT localhost:{world.Tcp.Port} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        (await wire.ReadMessageAsync(hasBody: false))!.Status.ShouldBe(200);
        await wire.SendAsync("hello\n");
        Encoding.Latin1.GetString(await wire.ReadAsync(6)).ShouldBe("hello\n");

        world.Pair.Mesh.ControlPlane.Egress = new EgressConfig { Mode = EgressMode.Deny, Allow = ["example.com"] };
        world.Pair.Mesh.ControlPlane.PublishMesh();

        (await wire.EndsByFinAsync()).ShouldBeFalse();
        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(world.Pair.Client)).Sum("meshlite_tcp_connections_closed_total", ("direction", "outbound"), ("reason", "denied")) == 1, "counted");
    }

    /// <summary>A mesh that lets out what it is told to, and two applications outside it.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly HttpApp _app;

        private World(HttpApp app, HttpApp outside, TcpApp tcp, MeshPair pair) => (_app, Outside, Tcp, Pair) = (app, outside, tcp, pair);

        public HttpApp Outside { get; }

        public TcpApp Tcp { get; }

        public MeshPair Pair { get; }

        public static async Task<World> StartAsync(string allow, params string[] hosts)
        {
            var app = await HttpApp.StartAsync("orders");
            var outside = await HttpApp.StartAsync("outside");
            var tcp = new TcpApp();
            var pair = await MeshPair.StartAsync(app.Port, configure: plane =>
            {
                plane.Egress = new EgressConfig { Mode = EgressMode.Deny, Allow = allow.Length > 0 ? [allow] : [] };
                foreach (var host in hosts)
                {
                    plane.Set(new DestinationConfig { Authority = $"{host}:{outside.Port}", Kind = DestinationKind.NotInMesh });
                    plane.Set(new DestinationConfig { Authority = $"{host}:{tcp.Port}", Kind = DestinationKind.NotInMesh });
                }
            });
            return new World(app, outside, tcp, pair);
        }

        public async ValueTask DisposeAsync()
        {
            await Pair.DisposeAsync();
            await Outside.DisposeAsync();
            await Tcp.DisposeAsync();
            await _app.DisposeAsync();
        }
    }
}
