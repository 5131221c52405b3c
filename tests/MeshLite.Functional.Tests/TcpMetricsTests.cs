using System.Text;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary><c>meshlite_tcp_*</c> of both sidecars.</summary>
public sealed class TcpMetricsTests
{
    private const string Opened = "meshlite_tcp_connections_opened_total";
    private const string Closed = "meshlite_tcp_connections_closed_total";
    private const string Received = "meshlite_tcp_received_bytes_total";
    private const string Sent = "meshlite_tcp_sent_bytes_total";

    [Fact]
    public async Task Tunnel_WhileOpenAndAfter_IsCountedAtBothEnds()
    {
        await using var app = new TcpApp(async (socket, _) =>
        {
            using var wire = new Wire(socket);
            await wire.ReadAsync(5);
            await wire.SendAsync("twice ten bytes here");
            await wire.ReadToEndAsync();
        });
        await using var pair = await MeshPair.StartAsync(app.Port);
        using var caller = await pair.TunnelAsync();
        await caller.SendAsync("hello");
        Encoding.Latin1.GetString(await caller.ReadAsync(20)).ShouldBe("twice ten bytes here");

        var (outbound, inbound) = (await Scrape.OfAsync(pair.Client), await Scrape.OfAsync(pair.Server));
        (string, string)[] toOrders =
        [
            ("direction", "outbound"), ("source_namespace", "shop"), ("destination_service", "orders"), ("destination_namespace", "shop"),
            ("destination_workload", $"orders-{pair.Server.InboundAddress.Port}"), ("tls", "true"),
        ];
        outbound.Sum(Opened, toOrders).ShouldBe(1);
        outbound.Sum(Received, toOrders).ShouldBe(5);
        outbound.Sum(Sent, toOrders).ShouldBe(20);
        outbound.Sum(Closed).ShouldBe(0);
        (string, string)[] fromPeer = [("direction", "inbound"), ("source_namespace", "shop"), ("tls", "true")];
        inbound.Sum(Opened, fromPeer).ShouldBe(1);
        inbound.Sum(Received, fromPeer).ShouldBe(5);
        inbound.Sum(Sent, fromPeer).ShouldBe(20);

        caller.Finish();
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(pair.Client)).Sum(Closed, [.. toOrders, ("reason", "")]) == 1, "it is closed, at the caller's");
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(pair.Server)).Sum(Closed, [.. fromPeer, ("reason", "")]) == 1, "it is closed, at the server's");
    }

    [Fact]
    public async Task Tunnel_ThatBreaksOrIsNeverMade_IsClosedWithItsReason()
    {
        await using var app = new TcpApp();
        await using var pair = await MeshPair.StartAsync(app.Port);
        using (var caller = await pair.TunnelAsync())
        {
            caller.Reset();
        }

        using var lost = await pair.WireAsync();
        await lost.SendAsync("CONNECT nobody:80 HTTP/1.1\r\nHost: nobody:80\r\n\r\n");
        (await lost.ReadMessageAsync())!.Status.ShouldBe(503);

        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(pair.Client)).Sum(Closed, ("reason", "reset"), ("destination_service", "orders")) == 1, "the reset is told");
        (await Scrape.OfAsync(pair.Client)).Sum(Closed, ("reason", "destination_unknown"), ("destination_service", "_outside"), ("tls", "false")).ShouldBe(1);
    }
}
