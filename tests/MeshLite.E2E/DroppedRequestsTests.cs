using System.Text.Json;
using MeshLite.E2E.Kit;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E;

/// <summary>Callers that open a request and go away leave nothing behind: no request at the application, no stream, no memory.</summary>
public sealed class DroppedRequestsTests
{
    private const int Batch = 100;
    private const int Half = 5_000;
    private const long GrowthBytes = 20 * 1024 * 1024;

    private int _open;
    private int _seen;

    [Fact]
    public async Task Requests_OpenedAndDropped_LeaveNothingBehind()
    {
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders", app: await HttpApp.StartAsync("orders", async context =>
        {
            if (context.Request.Path == "/never")
            {
                Interlocked.Increment(ref _seen);
                Interlocked.Increment(ref _open);
                try
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
                }
                finally
                {
                    Interlocked.Decrement(ref _open);
                }
            }
        }));
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");

        await DropAsync(client, Half);
        await SettledAsync(client, orders.Sidecar);
        long[] before = [ProcessUsage.PrivateBytes(client.Sidecar.Process.Id), ProcessUsage.PrivateBytes(orders.Sidecar.Process.Id)];
        await DropAsync(client, Half);
        await SettledAsync(client, orders.Sidecar);
        long[] after = [ProcessUsage.PrivateBytes(client.Sidecar.Process.Id), ProcessUsage.PrivateBytes(orders.Sidecar.Process.Id)];

        _seen.ShouldBe(Half);
        (after[0] - before[0]).ShouldBeLessThan(GrowthBytes);
        (after[1] - before[1]).ShouldBeLessThan(GrowthBytes);
        (await client.GetAsync("orders")).Status.ShouldBe(System.Net.HttpStatusCode.OK);
    }

    /// <summary>Half of them wait for an answer that never comes; the other half goes away in the middle of its head.</summary>
    private async Task DropAsync(MeshClient client, int count)
    {
        for (var done = 0; done < count; done += Batch)
        {
            var connections = await Task.WhenAll(Enumerable.Range(0, Batch).Select(_ => RawConnection.OpenAsync(client.Sidecar.Outbound)));
            var seen = Volatile.Read(ref _seen);
            await Task.WhenAll(connections.Select((connection, i) =>
                connection.WriteAsync(i % 2 == 0 ? "GET /never HTTP/1.1\r\nHost: orders\r\n\r\n" : "GET /never HTTP/1.1\r\nHost: ord")));
            await Eventually.TrueAsync(() => Volatile.Read(ref _seen) == seen + (Batch / 2), "the application has the requests", TimeSpan.FromSeconds(20));
            foreach (var connection in connections)
            {
                connection.Dispose();
            }
        }
    }

    private async Task SettledAsync(MeshClient client, SidecarProcess server)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await Eventually.TrueAsync(() => Volatile.Read(ref _open) == 0, "no request is open at the application", TimeSpan.FromSeconds(20));
        await Eventually.TrueAsync(async () => await ConnectionsAsync(http, client.Sidecar) <= 1, "the caller's connections are gone", TimeSpan.FromSeconds(20));
        await Eventually.TrueAsync(async () => await ConnectionsAsync(http, server) <= 2, "few connections between the sidecars are left", TimeSpan.FromSeconds(20));
        await Eventually.TrueAsync(async () => await InFlightAsync(http, client.Sidecar) == 0, "nothing is in flight", TimeSpan.FromSeconds(20));
    }

    private static async Task<int> ConnectionsAsync(HttpClient http, SidecarProcess sidecar)
    {
        using var json = JsonDocument.Parse(await http.GetStringAsync($"http://{sidecar.Admin}/stats"));
        return json.RootElement.GetProperty("connections").GetInt32();
    }

    private static async Task<int> InFlightAsync(HttpClient http, SidecarProcess sidecar)
    {
        using var json = JsonDocument.Parse(await http.GetStringAsync($"http://{sidecar.Admin}/clusters"));
        return json.RootElement.EnumerateArray().SelectMany(d => d.GetProperty("backends").EnumerateArray())
            .SelectMany(b => b.GetProperty("endpoints").EnumerateArray()).Sum(e => e.GetProperty("inFlight").GetInt32());
    }
}
