using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text.Json;
using MeshLite.E2E.Kit;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;

namespace MeshLite.E2E;

public sealed class RenewalTests
{
    private const string ShortLived = """
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {mtls: {certificateLifetime: 10s}}
        """;

    private const int StreamedBytes = 125;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    /// <summary>Requests go over to new connections in time; a stream longer than a certificate lives is cut with it, and seen to be cut.</summary>
    [Fact]
    public async Task Renewal_UnderLoadAndDuringAStream_LosesAndDoublesNoRequest()
    {
        var received = new ConcurrentQueue<string>();
        await using var mesh = await TestMesh.StartAsync(ShortLived);
        var orders = await mesh.AppAsync("orders", app: await HttpApp.StartAsync("orders", async context =>
        {
            if (context.Request.Path == "/stream")
            {
                for (var i = 0; i < StreamedBytes; i++)
                {
                    await context.Response.Body.WriteAsync("x"u8.ToArray(), context.RequestAborted);
                    await context.Response.Body.FlushAsync(context.RequestAborted);
                    await Task.Delay(Interval, TimeProvider.System, context.RequestAborted);
                }
            }
            else if (context.Request.Headers.TryGetValue("x-request-id", out var id))
            {
                received.Enqueue(id.ToString());
            }
        }));
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        received.Clear();
        HashSet<string>[] certificates = [[], []];
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        // 25 s: two renewals at two thirds of 10 s, and one to spare.
        var over = Task.Delay(StreamedBytes * Interval, TimeProvider.System);
        using var streaming = client.Request(HttpMethod.Get, "orders", "/stream");
        using var response = await http.SendAsync(streaming, HttpCompletionOption.ResponseHeadersRead);
        var streamed = response.Content.ReadAsByteArrayAsync();
        var sent = new List<string>();
        var failures = new List<string>();
        while (!over.IsCompleted)
        {
            var id = $"id-{sent.Count}";
            sent.Add(id);
            using var request = client.Request(sent.Count % 2 == 0 ? HttpMethod.Get : HttpMethod.Post, "orders", "/", ("x-request-id", id));
            request.Content = request.Method == HttpMethod.Post ? new StringContent(id) : null;
            using var answer = await client.SendAsync(request);
            if (answer.StatusCode != HttpStatusCode.OK)
            {
                failures.Add($"{id}: {(int)answer.StatusCode}");
            }

            if (sent.Count % 25 == 0)
            {
                certificates[0].Add(await NotAfterAsync(http, client.Sidecar));
                certificates[1].Add(await NotAfterAsync(http, orders.Sidecar));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        }

        await Should.ThrowAsync<HttpRequestException>(() => streamed);
        failures.ShouldBeEmpty();
        received.Order().ShouldBe(sent.Order());
        certificates.ShouldAllBe(seen => seen.Count >= 3);
        TestContext.Current.TestOutputHelper?.WriteLine($"RENEWAL sent {sent.Count}, certificates {certificates[0].Count} {certificates[1].Count}");
    }

    /// <summary>Documented in the README, alarmed by manifests/prometheus: the series those rules look at say so beforehand, calls fail closed, and nobody has to do anything afterwards.</summary>
    [Fact]
    public async Task ControlPlane_AwayForLongerThanALeafLives_CallsAreRefusedAndRecoverByThemselves()
    {
        await using var mesh = await TestMesh.StartAsync(ShortLived);
        var orders = await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        await mesh.ControlPlane.KillAsync();
        await Eventually.TrueAsync(
            async () => await ValueAsync(http, client.Sidecar, "meshlite_certificate_expiry_seconds") is > 0 and var left
                && left < 0.25 * await ValueAsync(http, client.Sidecar, "meshlite_certificate_lifetime_seconds"),
            "the alert's condition holds before the certificate has run out", TimeSpan.FromSeconds(30));
        await Eventually.TrueAsync(async () => await client.GetAsync("orders") is { Status: HttpStatusCode.BadGateway, Error: "tls_failure" }, "calls are refused", TimeSpan.FromSeconds(30));
        (await Task.WhenAll(ValueAsync(http, client.Sidecar, "meshlite_certificate_expiry_seconds"), ValueAsync(http, orders.Sidecar, "meshlite_certificate_expiry_seconds")))
            .Min().ShouldBeLessThanOrEqualTo(0, "either end's is reason enough");

        var back = TimeProvider.System.GetTimestamp();
        await mesh.ControlPlane.StartAsync();
        await Eventually.TrueAsync(async () => (await client.GetAsync("orders")).Status == HttpStatusCode.OK, "calls are answered again", TimeSpan.FromSeconds(60));
        TestContext.Current.TestOutputHelper?.WriteLine($"RECOVERED {TimeProvider.System.GetElapsedTime(back).TotalSeconds:0.0} s after the control plane's start");
        (await ValueAsync(http, orders.Sidecar, "meshlite_certificate_expiry_seconds")).ShouldBeGreaterThan(0);
    }

    private static async Task<double> ValueAsync(HttpClient http, SidecarProcess sidecar, string name) => double.Parse(
        (await http.GetStringAsync($"http://{sidecar.Telemetry}/metrics")).Split('\n').Single(l => l.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);

    private static async Task<string> NotAfterAsync(HttpClient http, SidecarProcess sidecar)
    {
        using var json = JsonDocument.Parse(await http.GetStringAsync($"http://{sidecar.Admin}/certs"));
        return json.RootElement.GetProperty("notAfter").GetRawText();
    }
}
