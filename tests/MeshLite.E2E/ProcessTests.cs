using MeshLite.E2E.Kit;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;

namespace MeshLite.E2E;

public sealed class ProcessTests
{
    private static readonly MeshPrograms Programs = MeshPrograms.Find();

    public static TheoryData<string> AllPrograms => [Programs.ControlPlane, Programs.Sidecar, Programs.Meshctl];

    [Theory]
    [MemberData(nameof(AllPrograms))]
    public async Task Start_WrongOption_IsOneClearLineAndExitCode2(string program)
    {
        await using var launcher = new Processes.ProcessLauncher(TimeProvider.System, null);

        var process = await launcher.RunAsync(
            new Processes.ProcessSpec { Name = "wrong", FileName = program, Arguments = ["--no-such-option", "x"] }, TimeSpan.FromSeconds(20));

        process.ExitCode.ShouldBe(2);
        var said = process.Log.Lines.Where(l => !l.StartsWith("---", StringComparison.Ordinal)).ShouldHaveSingleItem();
        said.ShouldContain("--no-such-option");
    }

    [Theory]
    [InlineData("--inbound: rules need a fixed port, not 0", "--inbound", "0.0.0.0:0")]
    [InlineData("--skip-inbound-ports: 'http' is not a port", "--skip-inbound-ports", "80,http")]
    [InlineData("--skip-outbound-ports: '0' is not a port", "--skip-outbound-ports", "0")]
    public async Task Capture_WrongOption_IsOneClearLineAndExitCode2(string line, string option, string value)
    {
        await using var launcher = new Processes.ProcessLauncher(TimeProvider.System, null);

        var process = await launcher.RunAsync(
            new Processes.ProcessSpec { Name = "wrong", FileName = Programs.Sidecar, Arguments = ["capture", "--dry-run", option, value] }, TimeSpan.FromSeconds(20));

        process.ExitCode.ShouldBe(2);
        process.Log.Lines.Where(l => !l.StartsWith("---", StringComparison.Ordinal)).ShouldHaveSingleItem().ShouldBe($"meshlite-sidecar: {line}");
    }

    [Fact]
    public async Task Sigterm_IdlePrograms_EndWithCode0()
    {
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");

        (await orders.Sidecar.DrainAsync()).ShouldBe(0);
        (await mesh.ControlPlane.Process.TerminateAsync(TimeSpan.FromSeconds(20))).ShouldBe(0);
    }

    [Fact]
    public async Task Metrics_OfASidecarThatServedRequests_PleasePromtool()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/promtool"), "promtool is not installed");
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        using var http = new HttpClient();
        var file = Path.GetTempFileName();

        foreach (var telemetry in new[] { orders.Sidecar.Telemetry, client.Sidecar.Telemetry, mesh.ControlPlane.Telemetry })
        {
            await File.WriteAllTextAsync(file, await http.GetStringAsync($"http://{telemetry}/metrics"));
            var promtool = await mesh.RunAsync("/bin/sh", "-c", $"promtool check metrics < {file}");
            (promtool.ExitCode, string.Join('\n', promtool.Log.Lines.Where(l => !l.StartsWith("---", StringComparison.Ordinal)))).ShouldBe((0, ""));
        }

        File.Delete(file);
    }

    [Fact]
    public async Task End_OfTheMesh_LeavesNoProcess()
    {
        int[] pids;
        await using (var mesh = await TestMesh.StartAsync())
        {
            await mesh.AppAsync("orders");
            pids = [.. mesh.Processes.Launcher.Started.Where(p => !p.HasEnded).Select(p => p.Id)];
            pids.Length.ShouldBe(2);
        }

        await Eventually.TrueAsync(() => !pids.Any(pid => Directory.Exists($"/proc/{pid}")), "all processes are gone");
    }
}
