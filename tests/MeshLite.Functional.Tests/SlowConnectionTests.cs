using System.Net;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Hosting;
using MeshLite.Protocol.Pki;
using MeshLite.Sidecar;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>Connections that begin and do not go on: each is ended by the limit of its stage, and counted under its reason. Real time: ten seconds, all at once.</summary>
public sealed class SlowConnectionTests
{
    [Fact]
    public async Task Sidecar_StalledConnections_AreEndedAndCounted()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        var sidecar = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Limits = limits => limits.RequestHeadersTimeout = TimeSpan.FromSeconds(2) });
        using var certificate = TlsPeer.AuthorityOf(mesh.ControlPlane).Issue(TestLeaf.For("spiffe://cluster.local/ns/shop/sa/frontend"));
        await using var relay = TlsRelay.To(sidecar.InboundAddress, MeshTls.Http, certificate);
        var hello = await TlsPeer.ClientHelloAsync(certificate);
        var preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();
        byte[] begun = [.. preface, .. Http2Attack.Frame(4, 0, 0, []), .. Http2Attack.Frame(1, 0, 1, Http2Target.Orders.Whole)];

        (IPEndPoint Port, byte[] Sent)[] stalled =
        [
            (sidecar.InboundAddress, hello[..^20]), // a ClientHello that is all there but its end
            (new IPEndPoint(IPAddress.Loopback, relay.Port), []), // mTLS, and not a word
            (new IPEndPoint(IPAddress.Loopback, relay.Port), preface[..^1]),
            (sidecar.OutboundAddress, preface[..^1]), // in plaintext there is a second to tell the protocol by it
            (new IPEndPoint(IPAddress.Loopback, relay.Port), begun), // a head without its CONTINUATION
            (sidecar.OutboundAddress, begun),
        ];
        await Task.WhenAll(stalled.Select(one => EndsAsync(one.Port, one.Sent)));

        await Eventually.TrueAsync(async () => await RefusedAsync(sidecar, "inbound", "preface_timeout") == 2 && await RefusedAsync(sidecar, "outbound", "protocol_error") == 1, "late prefaces are counted");
        await Eventually.TrueAsync(async () => await RefusedAsync(sidecar, "inbound", "request_timeout") == 1 && await RefusedAsync(sidecar, "outbound", "request_timeout") == 1, "late heads are counted");
    }

    [Fact]
    public async Task ControlPlane_ConnectionsWithoutCertificate_LiveNoLongerThanTheyMay()
    {
        var plane = new ClusterPlane { Ports = new() { Grpc = MeshLite.ControlPlane.Listeners.PortLimits.Grpc with { UnprovenLife = TimeSpan.FromSeconds(2) } } };
        await plane.InitializeAsync();
        await using var _ = plane;
        await using var relay = TlsRelay.To(plane.Host.GrpcEndPoint, System.Net.Security.SslApplicationProtocol.Http2);
        var tls = new IPEndPoint(IPAddress.Loopback, relay.Port);
        byte[] asking = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Http2Attack.Frame(4, 0, 0, []), .. Http2Attack.Frame(1, 4, 1, Http2Target.Certify.Begun)];

        // Before the handshake, after it, and with a call whose message does not come.
        await Task.WhenAll(EndsAsync(plane.Host.GrpcEndPoint, []), EndsAsync(tls, []), EndsAsync(tls, asking));

        await Eventually.TrueAsync(async () => await plane.RefusedAsync("grpc", "no_certificate") == 3, "they are counted");
        plane.Logs.Lines.Count(line => line.StartsWith("ConnectionRefused: grpc: ", StringComparison.Ordinal) && line.Contains("shows no certificate", StringComparison.Ordinal)).ShouldBe(3);
    }

    private static async Task EndsAsync(IPEndPoint port, byte[] sent)
    {
        using var wire = await Wire.OpenAsync(port);
        await wire.SendAsync(sent);
        try
        {
            await wire.ReadToEndAsync();
        }
        catch (System.Net.Sockets.SocketException)
        {
            // By RST.
        }
    }

    private static async Task<double> RefusedAsync(SidecarComponents sidecar, string listener, string reason) =>
        (await Scrape.OfAsync(sidecar)).Sum("meshlite_connections_refused_total", ("listener", listener), ("reason", reason));
}
