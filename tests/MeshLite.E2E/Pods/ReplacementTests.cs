using System.Text.Json;
using MeshLite.E2E.Pods.Kit;
using MeshLite.Processes;

namespace MeshLite.E2E.Pods;

/// <summary>
/// A pod replaced under load, in the order in which Kubernetes does it: the new one is there; then, at once, the old one's
/// preStop hooks run: the sidecar's, which drains it, and the application's, if it has one (`sleep`). Then the application gets
/// SIGTERM, and the sidecar its own when the application is gone.
/// </summary>
/// <remarks>
/// A hasty application, without a hook, closes kept-alive connections while nobody knows yet, and requests just written to them with
/// it. Nobody can tell such a request from one it has served without an answer: so those are sent again that may be, and its POSTs
/// say that they may. With a hook that lets it live until nobody calls it any more, nothing needs to be sent again.
/// </remarks>
[Collection(PodCollection.Name)]
public sealed class ReplacementTests(PodMesh mesh)
{
    private const int Rate = 500;

    // Each in turn, so that all certainly have requests under way.
    private const string RoundRobin = """
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: NAME, namespace: shop}
        spec:
          targetRef: {kind: Service, name: NAME}
          loadBalancer: {type: RoundRobin}
        """;

    [Theory]
    [InlineData("careful", 31, "", "plain", 0)]
    [InlineData("hasty", 32, "--exit-at-once", "keyed", 0)]
    [InlineData("hooked", 33, "--exit-at-once", "plain", 2)]
    public async Task Pod_ReplacedUnderLoad_LosesAndDoublesNothing(string name, int y, string option, string posts, int sleepSeconds)
    {
        Tools.Need();
        mesh.Service(name, y, "[{port: 80, targetPort: 8080}]");
        mesh.Save($"{name}-policy", RoundRobin.Replace("NAME", name, StringComparison.Ordinal));
        string[] options = option.Length == 0 ? [] : [option];
        var caller = await mesh.PodAsync("load");
        var first = await ReplicaAsync(name, options);
        var second = await ReplicaAsync(name, options);
        await mesh.MeshAsync(caller, "load");
        await PodMesh.ReachesAsync(caller, $"http://{name}/hello");

        var load = caller.Start("load", "dotnet", [PodMesh.PodApp, "load", $"http://{name}", $"{Rate}", name, posts]);
        await Task.Delay(TimeSpan.FromSeconds(2), TimeProvider.System);
        var third = await ReplicaAsync(name, options);
        var ledgers = new List<Dictionary<string, int>>();
        foreach (var old in (Replica[])[first, second])
        {
            // What it has seen by now is asked for later by whoever is left: so it is kept from the moment its application ends.
            var draining = old.Sidecar.DrainAsync();
            await Task.Delay(TimeSpan.FromSeconds(sleepSeconds), TimeProvider.System);
            ledgers.Add(await EndAsync(old, name));
            await draining;
            (await old.Sidecar.Process.TerminateAsync(TimeSpan.FromSeconds(40))).ShouldBe(0);
            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        }

        (await load.TerminateAsync(TimeSpan.FromSeconds(60))).ShouldBe(0);
        ledgers.Add(await LedgerAsync(third.Sidecar.Pod, name));
        using var result = JsonDocument.Parse(load.Log.Lines.Single(line => line.StartsWith('{')));
        var sent = result.RootElement.GetProperty("sent").GetInt32();
        var arrived = ledgers.SelectMany(ledger => ledger).GroupBy(e => e.Key).ToDictionary(g => g.Key, g => g.Sum(e => e.Value));
        var lost = Enumerable.Range(0, sent).Count(i => !arrived.ContainsKey($"{name}-{i}"));
        var doubled = arrived.Count(e => e.Value > 1);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{sent} sent in {result.RootElement.GetProperty("seconds").GetDouble():0.0} s, lost {lost}, doubled {doubled}; by replica {string.Join(", ", ledgers.Select(l => l.Count))}");

        result.RootElement.GetProperty("failed").GetRawText().ShouldBe("{}");
        (sent / result.RootElement.GetProperty("seconds").GetDouble()).ShouldBeGreaterThan(0.95 * Rate);
        lost.ShouldBe(0);
        doubled.ShouldBe(0);
        ledgers.ShouldAllBe(ledger => ledger.Count > 100);
    }

    private async Task<Replica> ReplicaAsync(string name, string[] options)
    {
        var pod = await mesh.PodAsync(name);
        var ledger = Path.Combine(mesh.Directory, $"{pod.Namespace}.ledger");
        var app = await PodMesh.AppAsync(pod, name, [.. options, "--ledger", ledger]);
        var sidecar = await mesh.MeshAsync(pod, name, name, 8080, "--health-path", "/hello");
        return new Replica(app, sidecar, ledger);
    }

    /// <summary>SIGTERM; what it received, as it wrote it when it ended.</summary>
    private static async Task<Dictionary<string, int>> EndAsync(Replica replica, string prefix)
    {
        (await replica.App.TerminateAsync(TimeSpan.FromSeconds(30))).ShouldBe(0);
        return JsonSerializer.Deserialize<Dictionary<string, int>>(await File.ReadAllTextAsync(replica.Ledger))!
            .Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary();
    }

    private static async Task<Dictionary<string, int>> LedgerAsync(Pod pod, string prefix) =>
        JsonSerializer.Deserialize<Dictionary<string, int>>(await pod.RunAsync("curl", "-sS", $"http://127.0.0.1:8080/ledger?prefix={prefix}"))!;

    private sealed record Replica(ManagedProcess App, PodSidecar Sidecar, string Ledger);
}
