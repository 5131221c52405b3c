using System.Net;
using System.Net.Security;
using MeshLite.ControlPlane;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests;

/// <summary>
/// <see cref="Http2Attack"/> against every port that speaks HTTP/2 with whoever comes: what wears a server out ends the connection, and is counted;
/// nothing of it stays in memory; others are served all the while.
/// </summary>
public sealed class Http2FloodTests
{
    /// <value>Bytes. What a server may have kept when all is over, and the noise of a test's process.</value>
    private const long MaxKept = 32 * 1024 * 1024;

    public static TheoryData<string, string> Attacks
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var attack in Http2Attack.All)
            {
                data.Add(attack.Name, "outbound");
                data.Add(attack.Name, "inbound");
            }

            return data;
        }
    }

    public static TheoryData<string> Names => [.. Http2Attack.All.Select(attack => attack.Name)];

    [Theory]
    [MemberData(nameof(Attacks))]
    public async Task Sidecar_Flood_EndsItsConnectionOrNothing(string name, string listener)
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var pair = await MeshPair.StartAsync(app.Port);
        var attack = Http2Attack.All.Single(a => a.Name == name);
        var (sidecar, port) = listener == "outbound" ? (pair.Client, pair.Client.OutboundAddress) : (pair.Server, pair.Server.InboundAddress);
        using var other = pair.Http();
        await GoesOnAsync(other);
        var counted = await RefusedAsync(sidecar, listener);
        var kept = GC.GetTotalMemory(forceFullCollection: true);

        var attacking = attack.RunAsync(port);
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
    [MemberData(nameof(Names))]
    public async Task ControlPlane_Flood_EndsItsConnectionOrNothing(string name)
    {
        using var config = new TestDirectory();
        using var data = new TestDirectory();
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        await using var host = await ControlPlaneHost.StartAsync(
            new ControlPlaneOptions { ConfigDirectory = config.Path, DataDirectory = data.Path, Grpc = any, Telemetry = any },
            TimeProvider.System, logging => logging.ClearProviders(), CancellationToken.None);
        var attack = Http2Attack.All.Single(a => a.Name == name);
        await using var relay = TlsRelay(host.GrpcEndPoint);
        using var other = new HttpClient(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        await AnswersAsync(other, host);
        var kept = GC.GetTotalMemory(forceFullCollection: true);

        var attacking = attack.RunAsync(new IPEndPoint(IPAddress.Loopback, relay.Port));
        while (!attacking.IsCompleted)
        {
            await AnswersAsync(other, host);
        }

        (await attacking).ShouldMatch(Expected(attack));
        await AnswersAsync(other, host);
        (GC.GetTotalMemory(forceFullCollection: true) - kept).ShouldBeLessThan(MaxKept);
    }

    private static string Expected(Http2Attack attack) => attack.IsBorne switch
    {
        true => "^borne$",
        false => "^(GOAWAY [1-9][0-9]*|closed|reset)$",
        null => "^(borne|GOAWAY [1-9][0-9]*|closed|reset)$",
    };

    private static async Task GoesOnAsync(HttpClient other) => (await other.GetAsync(new Uri("http://orders/"))).StatusCode.ShouldBe(HttpStatusCode.OK);

    // A call of a method that nobody serves: of HTTP/2, TLS and gRPC's server everything has its turn.
    private static async Task AnswersAsync(HttpClient other, ControlPlaneHost host)
    {
        using var call = new HttpRequestMessage(HttpMethod.Post, new Uri($"https://{host.GrpcEndPoint}/none/none")) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        call.Content = new ByteArrayContent([]) { Headers = { { "content-type", "application/grpc" } } };
        using var answer = await other.SendAsync(call);
        answer.Headers.GetValues("grpc-status").ShouldBe(["12"]);
    }

    private static async Task<double> RefusedAsync(SidecarComponents sidecar, string listener) =>
        (await Scrape.OfAsync(sidecar)).Sum("meshlite_connections_refused_total", ("listener", listener));

    /// <summary>Plain bytes to a TLS server that speaks HTTP/2.</summary>
    private static TcpApp TlsRelay(IPEndPoint to) => new(async (socket, cancellation) =>
    {
        using var server = new System.Net.Sockets.TcpClient();
        await server.ConnectAsync(to, cancellation);
        await using var client = new System.Net.Sockets.NetworkStream(socket);
        await using var tls = new SslStream(server.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", ApplicationProtocols = [SslApplicationProtocol.Http2], RemoteCertificateValidationCallback = (_, _, _, _) => true }, cancellation);
        try
        {
            await Task.WhenAny(client.CopyToAsync(tls, cancellation), tls.CopyToAsync(client, cancellation));
        }
        catch (IOException)
        {
            // Ended by the server.
        }
    });
}
