using System.Net;
using System.Net.Security;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>
/// <see cref="Http2Attack"/> against every port that speaks HTTP/2 with whoever comes: what wears a server out ends the connection, and is counted;
/// nothing of it stays in memory; others are served all the while. Beside no other test: a process has one memory, and what another test held
/// for a moment was counted as kept.
/// </summary>
[Collection(Alone.Name)]
public sealed class Http2FloodTests(ClusterPlane plane) : IClassFixture<ClusterPlane>
{
    /// <value>Bytes. What a server may have kept when all is over, 800 for each frame of the longest attack: 2.6 MB were seen.</value>
    private const long MaxKept = 16 * 1024 * 1024;

    public static TheoryData<string, string> Attacks
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var attack in Http2Attack.All)
            {
                data.Add(attack.Name, "outbound");
                data.Add(attack.Name, "inbound");
                data.Add(attack.Name, "inbound, mTLS");
            }

            return data;
        }
    }

    public static TheoryData<string, string> PlaneAttacks
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var attack in Http2Attack.All)
            {
                data.Add(attack.Name, "grpc");
                data.Add(attack.Name, "webhook");
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Sidecar_Flood_EndsItsConnectionOrNothing(string name, string listener)
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        var attack = Http2Attack.All.Single(a => a.Name == name);
        var (sidecar, port) = listener == "outbound" ? (pair.Client, pair.Client.OutboundAddress) : (pair.Server, pair.Server.InboundAddress);
        using var certificate = TlsPeer.AuthorityOf(pair.Mesh.ControlPlane).Issue(TestLeaf.For("spiffe://cluster.local/ns/shop/sa/frontend"));
        await using var relay = TlsRelay.To(port, MeshTls.Http, certificate);
        port = listener == "inbound, mTLS" ? new IPEndPoint(IPAddress.Loopback, relay.Port) : port;
        listener = listener.Split(',')[0];
        using var other = pair.Http();
        await GoesOnAsync(other);
        var counted = await RefusedAsync(sidecar, listener);
        var kept = GC.GetTotalMemory(forceFullCollection: true);

        var attacking = attack.RunAsync(port, Http2Target.Orders);
        while (!attacking.IsCompleted)
        {
            await GoesOnAsync(other);
        }

        var outcome = await attacking;
        await GoesOnAsync(other);
        outcome.ShouldMatch(Expected(attack));
        if (outcome != "borne")
        {
            await Eventually.TrueAsync(async () => await RefusedAsync(sidecar, listener) > counted, $"the connection is counted, which ended by {outcome}");
        }

        await pair.IdleInFlightAsync();
        (GC.GetTotalMemory(forceFullCollection: true) - kept).ShouldBeLessThan(MaxKept);
    }

    [Theory]
    [MemberData(nameof(PlaneAttacks))]
    public async Task ControlPlane_Flood_EndsItsConnectionOrNothing(string name, string listener)
    {
        var attack = Http2Attack.All.Single(a => a.Name == name);
        var (port, target) = listener == "grpc" ? (plane.Host.GrpcEndPoint, Http2Target.Certify) : (plane.Host.WebhookEndPoint, Http2Target.Webhook);
        await using var relay = TlsRelay.To(port, SslApplicationProtocol.Http2);
        using var other = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        await AnswersAsync(other, port);
        var counted = await plane.RefusedAsync(listener);
        var kept = GC.GetTotalMemory(forceFullCollection: true);

        var attacking = attack.RunAsync(new IPEndPoint(IPAddress.Loopback, relay.Port), target);
        while (!attacking.IsCompleted)
        {
            await AnswersAsync(other, port);
        }

        var outcome = await attacking;
        outcome.ShouldMatch(Expected(attack));
        if (outcome != "borne")
        {
            await Eventually.TrueAsync(async () => await plane.RefusedAsync(listener) > counted, $"the connection is counted, which ended by {outcome}");
        }

        await AnswersAsync(other, port);
        (GC.GetTotalMemory(forceFullCollection: true) - kept).ShouldBeLessThan(MaxKept);
    }

    /// <summary>Whoever is faster: so many requests taken back, and no more, are a connection's end.</summary>
    [Fact]
    public async Task Sidecar_RapidReset_EndsAfterACountOfResets()
    {
        await using var app = await HttpApp.StartAsync("orders", context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));
        await using var pair = await MeshPair.StartAsync(app.Port);
        var counted = await RefusedAsync(pair.Client, "outbound", "too_many_resets");
        using var wire = await Http2Wire.OpenAsync(pair.Client.OutboundAddress);
        var sent = 0;

        // One at a time, each let go before the next begins: nothing that counts what runs at once ever sees it.
        while (sent < ResetBudget.Full)
        {
            await ResetOneAsync();
        }

        await Eventually.TrueAsync(async () => await RefusedAsync(pair.Client, "outbound", "too_many_resets") == counted + 1, "it is asked to go");
        await Should.ThrowAsync<System.Net.Sockets.SocketException>(async () =>
        {
            while (sent < ResetBudget.Full + (2 * ResetBudget.Grace))
            {
                await ResetOneAsync();
            }
        });
        await pair.IdleInFlightAsync();

        async Task ResetOneAsync()
        {
            var stream = (2 * sent++) + 1;
            await wire.HeadersAsync(stream, endStream: true, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "orders"));
            await wire.SendAsync(type: 3, flags: 0, stream, [0, 0, 0, 8]);
            await wire.PingAsync();
        }
    }

    private static string Expected(Http2Attack attack) => attack.IsBorne ? "^borne$" : "^(GOAWAY [1-9][0-9]*|closed|reset)$";

    private static async Task GoesOnAsync(HttpClient other) => (await other.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.OK);

    // What nobody serves: of HTTP/2, TLS and the server of that port everything has its turn.
    private static async Task AnswersAsync(HttpClient other, IPEndPoint port)
    {
        using var call = new HttpRequestMessage(HttpMethod.Post, new Uri($"https://{port}/none/none")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        call.Content = new ByteArrayContent([]) { Headers = { { "content-type", "application/grpc" } } };
        using var answer = await other.SendAsync(call);
        (answer.Headers.TryGetValues("grpc-status", out var status) ? status.Single() : $"{answer.StatusCode}").ShouldBeOneOf("12", "NotFound");
    }

    private static async Task<double> RefusedAsync(SidecarComponents sidecar, string listener, string? reason = null) => (await Scrape.OfAsync(sidecar)).Sum(
        "meshlite_connections_refused_total", reason is null ? [("listener", listener)] : [("listener", listener), ("reason", reason)]);
}
