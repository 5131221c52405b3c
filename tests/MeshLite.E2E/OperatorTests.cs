using MeshLite.E2E.Kit;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E;

/// <summary>meshctl as an operator uses it, on the real programs.</summary>
public sealed class OperatorTests
{
    [Fact]
    public async Task CheckAndStatus_MeshWithACallerInPlaintext_SayWhatIs()
    {
        await using var mesh = await TestMesh.StartAsync();
        var orders = await mesh.AppAsync("orders");
        var token = await mesh.Processes.TokenAsync("meshlite-system", "meshlite-operator");
        string[] access = ["--control-plane", $"{mesh.ControlPlane.Grpc}", "--control-plane-ca", mesh.Processes.CaFile, "--token-file", token];

        await Eventually.TrueAsync(async () => (await mesh.RunAsync(mesh.Processes.Programs.Meshctl, ["check", .. access])).ExitCode == 0, "all is well", TimeSpan.FromSeconds(60));
        using var http = new HttpClient();
        await http.GetStringAsync($"http://{orders.Sidecar.Inbound}/");

        await Eventually.TrueAsync(
            async () => Said(await mesh.RunAsync(mesh.Processes.Programs.Meshctl, ["status", "--plaintext", .. access])).Any(l => l.StartsWith("on the workload's own machine  orders  shop", StringComparison.Ordinal)),
            "the call in plaintext is told", TimeSpan.FromSeconds(60));
        var status = await mesh.RunAsync(mesh.Processes.Programs.Meshctl, ["status", .. access]);
        Said(status).Count(l => l.StartsWith("shop       orders-", StringComparison.Ordinal)).ShouldBe(1);

        var stranger = await mesh.Processes.TokenAsync("shop", "orders");
        var denied = await mesh.RunAsync(mesh.Processes.Programs.Meshctl, ["status", .. access[..^1], stranger]);
        denied.ExitCode.ShouldBe(1);
        Said(denied).ShouldHaveSingleItem().ShouldContain("who may not ask");
    }

    private static List<string> Said(ManagedProcess process) => [.. process.Log.Lines.Where(l => !l.StartsWith("---", StringComparison.Ordinal))];
}
