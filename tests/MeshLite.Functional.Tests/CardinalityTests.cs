using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using MeshLite.Collector;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.TestKit;
using MeshLite.TestKit.Apps;
using MeshLite.TestKit.Otlp;

namespace MeshLite.Functional.Tests;

/// <summary>What callers can make up does not become series; what they are traced by becomes exemplars.</summary>
public sealed partial class CardinalityTests
{
    [Fact]
    public async Task Requests_TenThousandHostsPathsAndMethods_LeaveTheNumberOfSeriesAsItWas()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.AnswersUnknown = true;
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        using var http = MeshFixture.Client(client);

        await SendAsync(0, 200);
        var before = (await SeriesAsync(client), await SeriesAsync(server));
        await SendAsync(200, 10_000);
        await Eventually.TrueAsync(async () => (await Scrape.OfAsync(client)).Sum("meshlite_requests_total") == 10_000, "all are counted");
        var after = (await SeriesAsync(client), await SeriesAsync(server));

        after.ShouldBe(before);
        after.Item1.ShouldBeLessThan(500);
        return;

        Task SendAsync(int from, int to) => Parallel.ForAsync(from, to, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, cancellation) =>
        {
            using var request = new HttpRequestMessage(new HttpMethod(i % 4 == 0 ? $"BREW{i}" : "GET"), $"http://orders/path-{i}/{Guid.NewGuid()}?{i}");
            if (i % 2 == 0)
            {
                request.Headers.Host = $"host-{i}.example";
            }

            using var response = await http.SendAsync(request, cancellation);
            response.StatusCode.ShouldBe(i % 2 == 0 ? HttpStatusCode.ServiceUnavailable : HttpStatusCode.OK);
        });
    }

    [Fact]
    public async Task Metrics_InOpenMetrics_HaveExemplarsThatNameSpansTheCollectorHas()
    {
        await using var app = await HttpApp.StartAsync("orders");
        await using var collector = await OtlpReceiver.StartAsync();
        await using var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Tracing = new TracingConfig { Endpoint = collector.Address, SamplingPercent = 100 };
        var server = await mesh.SidecarAsync("orders", app.Port);
        var client = await mesh.SidecarAsync("frontend");
        mesh.Service("orders", server);
        using var http = MeshFixture.Client(client);
        await http.GetStringAsync(new Uri("http://orders/"));
        var spans = await collector.SpansAsync(2);

        foreach (var (sidecar, kind) in ((Sidecar.SidecarComponents, string)[])[(client, "Client"), (server, "Server")])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{sidecar.Server.TelemetryAddress}/metrics");
            request.Headers.Accept.Add(MediaTypeWithQualityHeaderValue.Parse("application/openmetrics-text"));
            using var scraper = new HttpClient();
            using var response = await scraper.SendAsync(request);
            var exemplar = Exemplar().Matches(await response.Content.ReadAsStringAsync()).ShouldHaveSingleItem();

            var span = spans.Single(span => span.Kind == kind);
            exemplar.Groups["name"].Value.ShouldBe("meshlite_request_duration_seconds_bucket");
            exemplar.Groups["trace"].Value.ShouldBe(span.TraceId);
            exemplar.Groups["span"].Value.ShouldBe(span.Id);
            (await Scrape.OfAsync(sidecar)).Text.ShouldNotContain("trace_id");
        }
    }

    private static async Task<int> SeriesAsync(Sidecar.SidecarComponents sidecar) =>
        (await Scrape.OfAsync(sidecar)).Text.Split('\n').Count(line => line.Length > 0 && line[0] != '#');

    [GeneratedRegex("""^(?<name>\w+)\{[^#]*\} \d+ # \{trace_id="(?<trace>[0-9a-f]{32})",span_id="(?<span>[0-9a-f]{16})"\} [0-9.E-]+ \d+\.\d{3}$""", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Exemplar();
}
