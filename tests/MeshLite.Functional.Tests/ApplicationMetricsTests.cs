using System.Diagnostics;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.Sidecar.Telemetry;
using MeshLite.TestKit.Apps;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Functional.Tests;

/// <summary>The application's metrics on the sidecar's page, under Strict.</summary>
public sealed class ApplicationMetricsTests
{
    private const string OpenMetricsAccept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5";
    private const string Text = "# HELP orders_total Orders.\n# TYPE orders_total counter\norders_total{kind=\"a\"} 3\n# HELP process_cpu_seconds_total Mine.\n# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total 123456\n";
    private const string OpenMetrics = "# HELP orders Orders.\n# TYPE orders counter\norders_total{kind=\"a\"} 3 # {trace_id=\"1\"} 1\n# EOF\n";
    private const string Promtool = "/usr/bin/promtool";
    private static readonly HttpClient Prometheus = new();

    [Fact]
    public async Task Scrape_PlainText_HoldsBothAndTheApplicationsOwnNames()
    {
        await using var app = await AppAsync(_ => ("text/plain; version=0.0.4; charset=utf-8", Text));
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port);

        var (page, type) = await ScrapeAsync(sidecar, null);

        type.ShouldBe("text/plain");
        page.ShouldContain("meshlite_connections ");
        page.ShouldContain("\norders_total{kind=\"a\"} 3\n");
        page.Split('\n').Where(line => line.StartsWith("process_cpu_seconds_total", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldBe("process_cpu_seconds_total 123456");
        page.ShouldContain("process_resident_memory_bytes ");
        await PassesPromtoolAsync(page);
    }

    [Fact]
    public async Task Scrape_OpenMetrics_EndsOnce()
    {
        var accepts = "";
        await using var app = await AppAsync(request =>
        {
            accepts = request.Headers.Accept.ToString();
            return ("application/openmetrics-text; version=1.0.0; charset=utf-8", OpenMetrics);
        });
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port);

        var (page, type) = await ScrapeAsync(sidecar, OpenMetricsAccept);

        type.ShouldBe("application/openmetrics-text");
        accepts.ShouldContain("openmetrics");
        page.ShouldEndWith("orders_total{kind=\"a\"} 3 # {trace_id=\"1\"} 1\n# EOF\n");
        page.Split("# EOF").Length.ShouldBe(2);
    }

    [Fact]
    public async Task Scrape_OpenMetricsOfAnApplicationThatHasPlainTextOnly_IsPlainText()
    {
        await using var app = await AppAsync(_ => ("text/plain", Text));
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, app.Port);

        var (page, type) = await ScrapeAsync(sidecar, OpenMetricsAccept);

        type.ShouldBe("text/plain");
        page.ShouldNotContain("# EOF");
        page.ShouldContain("\norders_total{kind=\"a\"} 3\n");
        await PassesPromtoolAsync(page);
    }

    [Theory]
    [InlineData("status", "bad_status")]
    [InlineData("html", "bad_format")]
    [InlineData("garbage", "bad_format")]
    [InlineData("openmetrics", "bad_format")]
    [InlineData("hangs", "timeout")]
    [InlineData("large", "too_large")]
    [InlineData("gone", "unreachable")]
    public async Task Scrape_ApplicationFails_CostsItsPartOnly(string how, string outcome)
    {
        await using var app = await HttpApp.StartAsync("orders", async context =>
        {
            context.Response.StatusCode = how == "status" ? 500 : 200;
            context.Response.ContentType = how switch { "html" => "text/html", "openmetrics" => "application/openmetrics-text; version=1.0.0", _ => "text/plain" };
            if (how == "hangs")
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
            }

            await context.Response.WriteAsync(how == "large" ? string.Concat(Enumerable.Repeat("a_number 1\n", 1_600_000)) : how == "garbage" ? "hello\n" : "a_number 1\n");
        });
        await using var mesh = await StrictAsync();
        var sidecar = await SidecarAsync(mesh, how == "gone" ? 1 : app.Port);

        // Only who hangs is to run out of time, however slow the machine.
        var patience = TimeSpan.FromSeconds(how == "hangs" ? 2 : 60);
        await ScrapeAsync(sidecar, null, patience);
        var (page, _) = await ScrapeAsync(sidecar, null, patience);

        page.ShouldContain("meshlite_connections ");
        page.ShouldContain($"meshlite_application_scrapes_total{{outcome=\"{outcome}\"}} ");
        page.ShouldNotContain("a_number");
    }

    private static Task<HttpApp> AppAsync(Func<HttpRequest, (string Type, string Page)> answer) => HttpApp.StartAsync("orders", context =>
    {
        (context.Response.ContentType, var page) = answer(context.Request);
        context.Request.Path.Value.ShouldBe("/stats");
        return context.Response.WriteAsync(page);
    });

    private static async Task<MeshFixture> StrictAsync()
    {
        var mesh = await MeshFixture.StartAsync();
        mesh.ControlPlane.Mtls = MtlsMode.Strict;
        return mesh;
    }

    private static Task<SidecarComponents> SidecarAsync(MeshFixture mesh, int port) => mesh.SidecarAsync(new TestSidecar("orders", port)
    {
        Options = options => options with { AppMetrics = new AppMetricsSource(false, port, "/stats") },
    });

    private static async Task<(string Page, string? Type)> ScrapeAsync(SidecarComponents sidecar, string? accept, TimeSpan? patience = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://{sidecar.Server.TelemetryAddress}/metrics");
        request.Headers.Add("X-Prometheus-Scrape-Timeout-Seconds", $"{(patience ?? TimeSpan.FromSeconds(60)).TotalSeconds:0}");
        if (accept is not null)
        {
            request.Headers.TryAddWithoutValidation("Accept", accept);
        }

        using var response = await Prometheus.SendAsync(request);
        return (await response.Content.ReadAsStringAsync(), response.Content.Headers.ContentType?.MediaType);
    }

    private static async Task PassesPromtoolAsync(string page)
    {
        if (!File.Exists(Promtool))
        {
            return; // the rest of the test has been made
        }

        using var process = Process.Start(new ProcessStartInfo(Promtool, ["check", "metrics"]) { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.StandardInput.WriteAsync(page);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        (await output + await errors).ShouldBe("");
    }
}
