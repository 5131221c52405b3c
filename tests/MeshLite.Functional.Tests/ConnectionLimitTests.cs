using System.Net;
using System.Net.Sockets;
using MeshLite.Functional.Tests.Kit;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.Functional.Tests;

/// <summary>More connections than a port takes, silent ones and HTTP: the last is refused and counted, those that are open are served, and room is made by whoever leaves.</summary>
public sealed class ConnectionLimitTests
{
    private const int Limit = 4;

    [Theory]
    [InlineData("outbound", "")]
    [InlineData("outbound", "GET / HTTP/1.1\r\nHost: orders\r\n\r\n")]
    [InlineData("inbound", "GET / HTTP/1.1\r\nHost: orders\r\n\r\n")]
    [InlineData("operator", "GET /ready HTTP/1.1\r\nHost: orders\r\n\r\n")]
    public async Task Connections_BeyondTheLimit_AreRefusedAndCounted(string listener, string says)
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        // Those that look at the metrics have a port of their own, the other sidecar's.
        var sidecar = await mesh.SidecarAsync(new TestSidecar("orders", app.Port) { Limits = limits => limits.MaxConcurrentConnections = Limit });
        mesh.Service("orders", sidecar);
        var port = listener switch { "outbound" => sidecar.OutboundAddress, "inbound" => sidecar.InboundAddress, _ => sidecar.Server.AdminAddress };
        var open = new List<Wire>();
        for (var i = 0; i < Limit; i++)
        {
            open.Add(await Wire.OpenAsync(port));
            await open[i].SendAsync(says);
            if (says.Length > 0)
            {
                (await open[i].ReadMessageAsync()).ShouldNotBeNull();
            }
        }

        (await EndsAtOnceAsync(port, says)).ShouldBeTrue();

        await Eventually.TrueAsync(
            async () => (await Scrape.OfAsync(sidecar)).Sum("meshlite_connections_refused_total", ("listener", listener), ("reason", "too_many_connections")) >= 1, "it is counted");
        await open[0].SendAsync("GET / HTTP/1.1\r\nHost: orders\r\n\r\n");
        (await open[0].ReadMessageAsync()).ShouldNotBeNull();
        open.ForEach(wire => wire.Dispose());

        await Eventually.TrueAsync(
            async () => !await EndsAtOnceAsync(port, "GET / HTTP/1.1\r\nHost: orders\r\n\r\n"), "there is room again");
    }

    /// <summary>Whether one more connection ends with nothing said.</summary>
    private static async Task<bool> EndsAtOnceAsync(IPEndPoint port, string says)
    {
        try
        {
            using var wire = await Wire.OpenAsync(port);
            await wire.SendAsync(says);
            return (await wire.ReadAsync(1)).Length == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
