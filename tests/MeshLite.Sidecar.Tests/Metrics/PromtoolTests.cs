using System.Diagnostics;
using MeshLite.Metrics;
using MeshLite.Sidecar.Telemetry;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class PromtoolTests
{
    private const string Promtool = "/usr/bin/promtool";

    [Fact]
    public async Task CheckMetrics_EverythingTheProgramsRegister_HasNothingToSay()
    {
        Assert.SkipUnless(File.Exists(Promtool), $"{Promtool} is not installed");
        var time = new ManualTimeProvider();
        using var registry = new MetricRegistry(time);
        registry.AddProcessMetrics();
        registry.AddRuntimeMetrics();
        using var requests = new RequestMetrics(registry, time);
        await using var accessLog = new AccessLog(Stream.Null, registry, time);
        requests.Record(new RequestRecord { Method = "GET", Status = 200, Route = "shop/\"quoted\"\\\n", Duration = TimeSpan.FromMilliseconds(3) });
        registry.AddGauge("x_bytes", "NaN and infinities.", "a").Series("x").Set(double.NaN);

        var (exitCode, output) = await CheckAsync(Exposition.Write(registry));

        output.ShouldBe("");
        exitCode.ShouldBe(0);
    }

    [Fact]
    public async Task CheckMetrics_SomethingWrong_Complains()
    {
        Assert.SkipUnless(File.Exists(Promtool), $"{Promtool} is not installed");

        // The test above would mean nothing if promtool found nothing ever.
        var (exitCode, output) = await CheckAsync("# TYPE x_milliseconds counter\nx_milliseconds 1\n");

        exitCode.ShouldNotBe(0);
        output.ShouldNotBeEmpty();
    }

    private static async Task<(int ExitCode, string Output)> CheckAsync(string exposition)
    {
        using var process = Process.Start(new ProcessStartInfo(Promtool, ["check", "metrics"])
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        await process.StandardInput.WriteAsync(exposition);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await errors);
    }
}
