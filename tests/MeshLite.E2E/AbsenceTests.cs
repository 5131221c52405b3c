using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using MeshLite.E2E.Kit;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E;

/// <summary>The control plane is away for longer than a certificate lives.</summary>
public sealed class AbsenceTests
{
    private const string ShortLived = """
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {mtls: {certificateLifetime: 15s}}
        """;

    /// <value>Certificates end by the second, and connections are looked at once a second.</value>
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(2);

    private readonly ConcurrentQueue<string> _received = new();

    /// <summary>
    /// Until the first certificate ends nothing is lost; from then on calls fail closed, a stream that is open is cut, and logs and metric have said so before; once the control
    /// plane is back the mesh comes back, nobody restarted. No request is served twice, and none that failed was served.
    /// </summary>
    [Fact]
    public async Task ControlPlaneAway_LongerThanACertificateLives_FailsClosedAndComesBack()
    {
        await using var mesh = await TestMesh.StartAsync(ShortLived);
        var orders = await mesh.AppAsync("orders", app: await HttpApp.StartAsync("orders", ServeAsync));
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        _received.Clear();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var stop = new CancellationTokenSource();
        var calls = new ConcurrentQueue<Call>();
        var load = LoadAsync(client, calls, stop.Token);
        using var streaming = client.Request(HttpMethod.Get, "orders", "/stream");
        using var stream = await http.SendAsync(streaming, HttpCompletionOption.ResponseHeadersRead);
        var streamed = stream.Content.ReadAsByteArrayAsync();

        await mesh.ControlPlane.KillAsync();
        SidecarProcess[] sidecars = [client.Sidecar, orders.Sidecar];
        var ends = await Task.WhenAll(sidecars.Select(sidecar => NotAfterAsync(http, sidecar)));
        await Eventually.TrueAsync(async () => await ExpiryAsync(http, client.Sidecar) < 0 && await ExpiryAsync(http, orders.Sidecar) < 0, "both certificates have ended", TimeSpan.FromSeconds(40));
        foreach (var (sidecar, end) in sidecars.Zip(ends))
        {
            var warned = sidecar.Process.Log.Lines.Where(line => line.Contains("\"CertifyFailed\"", StringComparison.Ordinal)).Select(TimeOf).ToList();
            warned.ShouldContain(at => at < end - TimeSpan.FromSeconds(1), $"a warning before {end:O}");
        }

        await Should.ThrowAsync<Exception>(() => streamed);
        var served = _received.Count;
        await Eventually.TrueAsync(() => Task.FromResult(calls.Count(call => call.Failed) >= 10), "calls fail", TimeSpan.FromSeconds(30));
        await mesh.ControlPlane.StartAsync();
        await Eventually.TrueAsync(() => Task.FromResult(calls.TakeLast(20).Count(call => !call.Failed) == 20), "calls are served again", TimeSpan.FromSeconds(60));
        var back = calls.Last(call => call.Failed);
        await stop.CancelAsync();
        await load;

        var failed = calls.Where(call => call.Failed).ToList();
        failed.ShouldAllBe(call => call.At >= ends.Min() - Slack, $"nothing is lost before {ends.Min():O}");
        failed.ShouldAllBe(call => call.Why == "tls_failure" || call.Why == "no_healthy_endpoint");
        var received = _received.ToList();
        received.Distinct().Count().ShouldBe(received.Count, "none is served twice");
        received.Order().ShouldBe(calls.Where(call => !call.Failed).Select(call => call.Id).Order(), "what failed was not served");
        _received.Count.ShouldBeGreaterThan(served);
        sidecars.ShouldAllBe(sidecar => !sidecar.Process.HasEnded);
        TestContext.Current.TestOutputHelper?.WriteLine($"ABSENCE sent {calls.Count}, failed {failed.Count} from {failed[0].At:O} to {back.At:O}, first certificate ended {ends.Min():O}");
    }

    private async Task ServeAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        if (context.Request.Path == "/stream")
        {
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync("x"u8.ToArray(), context.RequestAborted);
                await context.Response.Body.FlushAsync(context.RequestAborted);
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, context.RequestAborted);
            }
        }
        else if (context.Request.Headers.TryGetValue("x-request-id", out var id))
        {
            _received.Enqueue(id.ToString());
        }
    }

    private static async Task LoadAsync(MeshClient client, ConcurrentQueue<Call> calls, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var at = TimeProvider.System.GetUtcNow();
            var answer = await client.GetAsync("orders", "/", ("x-request-id", $"id-{i}"));
            calls.Enqueue(new Call($"id-{i}", at, answer.Status == HttpStatusCode.OK ? null : answer.Error ?? answer.Status.ToString()));
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, CancellationToken.None);
        }
    }

    private static async Task<DateTimeOffset> NotAfterAsync(HttpClient http, SidecarProcess sidecar)
    {
        using var json = JsonDocument.Parse(await http.GetStringAsync($"http://{sidecar.Admin}/certs"));
        return json.RootElement.GetProperty("notAfter").GetDateTimeOffset();
    }

    private static async Task<double> ExpiryAsync(HttpClient http, SidecarProcess sidecar)
    {
        var line = (await http.GetStringAsync($"http://{sidecar.Telemetry}/metrics")).Split('\n').Single(l => l.StartsWith("meshlite_certificate_expiry_seconds ", StringComparison.Ordinal));
        return double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    private static DateTimeOffset TimeOf(string line)
    {
        using var json = JsonDocument.Parse(line[line.IndexOf('{', StringComparison.Ordinal)..]);
        return json.RootElement.GetProperty("time").GetDateTimeOffset();
    }

    /// <summary>One request; <paramref name="Why"/> null: it was served.</summary>
    private sealed record Call(string Id, DateTimeOffset At, string? Why)
    {
        public bool Failed => Why is not null;
    }
}
