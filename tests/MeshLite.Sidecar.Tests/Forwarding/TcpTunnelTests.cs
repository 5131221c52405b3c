using System.Net.Sockets;
using MeshLite.Metrics;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Telemetry;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class TcpTunnelTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task RunAsync_NothingMovesForAnHour_EndsIdle()
    {
        using var client = await SocketPair.CreateAsync();
        using var server = await SocketPair.CreateAsync();
        var running = Run(client, server);
        await Eventually.TrueAsync(() => _time.PendingTimers > 0, "the idle limit is armed");

        _time.Advance(TimeSpan.FromMinutes(59));
        await client.Client.SendAsync("x"u8.ToArray());
        await server.Server.ReceiveAsync(new byte[1]);
        _time.Advance(TimeSpan.FromMinutes(59));
        running.IsCompleted.ShouldBeFalse("something moved an hour ago, or less");

        _time.Advance(TimeSpan.FromMinutes(1));

        (await running.WaitAsync(TimeSpan.FromSeconds(20), TimeProvider.System)).ShouldBe(new TcpTunnelResult(1, 0, Clean: false, Idle: true));
    }

    [Fact]
    public async Task RunAsync_BytesOfBothDirections_AreCountedAsTheyFlow()
    {
        using var registry = new MetricRegistry(_time);
        var (received, sent) = (registry.AddCounter("a_total", "a", ["x"]).Series("1"), registry.AddCounter("b_total", "b", ["x"]).Series("1"));
        using var client = await SocketPair.CreateAsync();
        using var server = await SocketPair.CreateAsync();
        var running = Run(client, server, new TcpFlow(received, sent, _ => { }));

        await client.Client.SendAsync("12345"u8.ToArray());
        await server.Server.SendAsync("123"u8.ToArray());
        await Eventually.TrueAsync(() => received.Value == 5 && sent.Value == 3, "both are counted, with the tunnel open");

        client.Client.Shutdown(SocketShutdown.Send);
        server.Server.Shutdown(SocketShutdown.Send);
        (await running).ShouldBe(new TcpTunnelResult(5, 3, Clean: true, Idle: false));
    }

    // The application's end is client.Client, the far one server.Server; the tunnel joins what lies between.
    private Task<TcpTunnelResult> Run(SocketPair client, SocketPair server, TcpFlow? flow = null) =>
        new TcpTunnel(_time).RunAsync(new NetworkStream(client.Server), new NetworkStream(server.Client), CancellationToken.None, flow);
}
