using System.Text.Json;
using MeshLite.E2E.Pods.Kit;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>GETs and POSTs in turn, open loop, from a pod to a Service whose pods keep ledgers; lost and doubled are counted in these.</summary>
public sealed class Load
{
    /// <summary>Requests a second.</summary>
    public const int Rate = 200;

    private readonly ManagedProcess _process;
    private readonly string _prefix;

    private Load(ManagedProcess process, string prefix) => (_process, _prefix) = (process, prefix);

    /// <summary>Starts it; returns once requests arrive.</summary>
    public static async Task<Load> StartAsync(KubePod caller, string service, string prefix, KubePod server)
    {
        var load = new Load(caller.Pod.Start($"load-{prefix}", "dotnet", [PodMesh.PodApp, "load", $"http://{service}", $"{Rate}", prefix, "plain"]), prefix);
        await Eventually.TrueAsync(async () => (await server.LedgerAsync(prefix)).Count > 0, $"load of {prefix} arrives", TimeSpan.FromSeconds(30));
        return load;
    }

    /// <summary>Ends it, and asks all pods that may have been called.</summary>
    public async Task<LoadResult> StopAsync(IEnumerable<KubePod> servers)
    {
        (await _process.TerminateAsync(TimeSpan.FromSeconds(60))).ShouldBe(0);
        using var said = JsonDocument.Parse(_process.Log.Lines.Single(line => line.StartsWith('{')));
        var ledgers = await Task.WhenAll(servers.Select(server => server.LedgerAsync(_prefix)));
        var arrived = ledgers.SelectMany(ledger => ledger).GroupBy(entry => entry.Key).ToDictionary(group => group.Key, group => group.Sum(entry => entry.Value));
        var sent = said.RootElement.GetProperty("sent").GetInt32();
        var result = new LoadResult(
            sent, said.RootElement.GetProperty("seconds").GetDouble(), said.RootElement.GetProperty("failed").EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!),
            Enumerable.Range(0, sent).Count(i => !arrived.ContainsKey($"{_prefix}-{i}")), arrived.Count(entry => entry.Value > 1), [.. ledgers.Select(ledger => ledger.Count)]);
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{_prefix}: {result.Sent} sent in {result.Seconds:0.0} s, failed {result.Failed.Count}, lost {result.Lost}, doubled {result.Doubled}; by pod {string.Join(", ", result.ByPod)}");
        return result;
    }
}

/// <summary>What became of a load. <c>Failed</c>: what the caller saw, by id.</summary>
public sealed record LoadResult(int Sent, double Seconds, IReadOnlyDictionary<string, string> Failed, int Lost, int Doubled, IReadOnlyList<int> ByPod)
{
    /// <summary>Nobody noticed anything.</summary>
    public void ShouldBeWhole()
    {
        Failed.Take(3).ShouldBeEmpty();
        Lost.ShouldBe(0);
        Doubled.ShouldBe(0);
        (Sent / Seconds).ShouldBeGreaterThan(0.9 * Load.Rate);
    }
}
