using System.Diagnostics;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Compile;
using MeshLite.ControlPlane.Tests.Crds;

namespace MeshLite.ControlPlane.Tests.Manifests;

/// <summary>The alert rules: Prometheus reads them, each fires when it should and not before, and both files say the same.</summary>
public sealed class AlertTests
{
    private const string Promtool = "/usr/bin/promtool";

    private static readonly string Folder = Path.Combine(Crd.Root(), "manifests", "prometheus");

    [Fact]
    public async Task Rules_Promtool_HasNothingToSay()
    {
        var (code, said) = await RunAsync("check", "rules", Path.Combine(Folder, "alerts.yaml"));

        code.ShouldBe(0, said);
        said.ShouldContain("SUCCESS");
    }

    [Fact]
    public async Task Rules_OnSeriesOfAWeek_FireWhenTheyShould()
    {
        var (code, said) = await RunAsync("test", "rules", Path.Combine(Crd.Root(), "tests", "MeshLite.ControlPlane.Tests", "Manifests", "alerts-test.yaml"));

        code.ShouldBe(0, said);
        said.ShouldContain("SUCCESS");
    }

    [Fact]
    public void EachAlert_HasATestInWhichItFires()
    {
        var tests = File.ReadAllText(Path.Combine(Crd.Root(), "tests", "MeshLite.ControlPlane.Tests", "Manifests", "alerts-test.yaml"));

        foreach (var alert in File.ReadLines(Path.Combine(Folder, "alerts.yaml")).Where(l => l.Contains("- alert: ", StringComparison.Ordinal)).Select(l => l.Split(": ")[1]))
        {
            tests.ShouldContain($"alertname: {alert}\n");
        }
    }

    [Fact]
    public void PrometheusRule_HasTheSameGroups()
    {
        var plain = ClusterCase.JsonOf(YamlReader.Read(File.ReadAllText(Path.Combine(Folder, "alerts.yaml"))).Documents.Single())!;
        var rule = ClusterCase.JsonOf(YamlReader.Read(File.ReadAllText(Path.Combine(Folder, "prometheus-rule.yaml"))).Documents.Single())!;

        rule["spec"]!.ToJsonString().ShouldBe(plain.ToJsonString());
    }

    private static async Task<(int Code, string Said)> RunAsync(params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(Promtool), "promtool is not installed");
        using var promtool = Process.Start(new ProcessStartInfo(Promtool, arguments) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(promtool.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken), promtool.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await promtool.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (promtool.ExitCode, string.Join('\n', said));
    }
}
