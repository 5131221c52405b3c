using MeshLite.Bench.Cases;
using MeshLite.Bench.Results;

namespace MeshLite.Bench.Report;

/// <summary>The charts of a run, by the name of their file. Pure.</summary>
internal static class Charts
{
    private static readonly Dictionary<string, string> Colors = new(StringComparer.Ordinal)
    {
        ["none"] = "#9ca3af",
        ["nginx"] = "#16a34a",
        ["haproxy"] = "#2563eb",
        ["yarp"] = "#a855f7",
        ["meshlite"] = "#ea580c",
    };

    /// <summary>Those there are figures for.</summary>
    public static IEnumerable<(string File, GroupedBars Chart)> Of(RunResult run)
    {
        var closed = run.Cases.Where(c => c.Shape != LoadShape.OpenLoop).ToArray();
        if (closed.Length > 0)
        {
            yield return ("cpu.svg", Cpu(closed));
        }

        foreach (var steady in run.Cases.Where(c => c.Shape == LoadShape.OpenLoop))
        {
            yield return ($"latency-{steady.Name}.svg", Latency(steady));
        }

        if (run.Memory is { Count: > 0 } memory)
        {
            yield return ("memory.svg", Memory(memory));
        }
    }

    /// <summary>How the control plane grows with the number of sidecars.</summary>
    public static IEnumerable<(string File, GroupedBars Chart)> Of(ScaleRuns scale)
    {
        var runs = scale.Runs;
        yield return ("scale-latency.svg", new GroupedBars
        {
            Title = "From an endpoint's change to its subscribers' acknowledgement",
            Unit = "ms",
            Groups = [.. runs.Select(GroupOf)],
            Bars =
            [
                new Series("p50", "#9ca3af", [.. runs.Select(r => ChangesOf(r)?.P50Ms)]),
                new Series("p99", "#ea580c", [.. runs.Select(r => ChangesOf(r)?.P99Ms)]),
                new Series("max", "#111827", [.. runs.Select(r => ChangesOf(r)?.MaxMs)]),
            ],
        });
        yield return ("scale-memory.svg", new GroupedBars
        {
            Title = "Private memory (RssAnon) of the control plane",
            Unit = "MB",
            Groups = [.. runs.Select(GroupOf)],
            Bars = [new Series("idle", "#9ca3af", [.. runs.Select(r => r.Find(ScaleResult.Idle)?.ControlPlane.PrivateMb)]), new Series("peak", "#ea580c", [.. runs.Select(r => r.PeakMb)])],
        });

        static string GroupOf(ScaleResult run) => $"{run.Sidecars} sidecars";
    }

    private static LatencyFigures? ChangesOf(ScaleResult run) => run.Find(ScaleResult.EndpointChanges)?.ChangeToAck;

    // 100 B and 1 MB have no scale in common but that.
    private static GroupedBars Cpu(CaseResult[] cases) => new()
    {
        Title = "CPU per request, as a multiple of the nginx pair's (less is better)",
        Unit = "×",
        Groups = [.. cases.Select(c => c.Name)],
        Bars = Bars(cases.SelectMany(c => c.Proxies.Keys).Distinct(), name =>
            [.. cases.Select(c => c.Proxies.GetValueOrDefault(name)?.CpuMicrosPerRequest / c.Proxies.GetValueOrDefault("nginx")?.CpuMicrosPerRequest)]),
    };

    private static GroupedBars Latency(CaseResult result) => new()
    {
        Title = $"Latency at {result.Rate}/s, open loop, {result.Connections} connections (less is better)",
        Unit = "ms",
        Groups = ["p50", "p99", "p99.9"],
        Bars = Bars(result.Proxies.Keys, name => [result.Proxies[name].P50Ms, result.Proxies[name].P99Ms, result.Proxies[name].P999Ms]),
    };

    private static GroupedBars Memory(IReadOnlyDictionary<string, MemoryResult> memory) => new()
    {
        Title = "Private memory (RssAnon) of the larger proxy (less is better)",
        Unit = "MB",
        Groups = ["idle", "1,000/s", "full load, 512 conn."],
        Bars = Bars(memory.Keys, name => [memory[name].IdleMb.Median, memory[name].At1000PerSecondMb.Median, memory[name].FullLoadMb.Median]),
    };

    private static Series[] Bars(IEnumerable<string> names, Func<string, IReadOnlyList<double?>> values) =>
        [.. names.Select(name => new Series(name, Colors.GetValueOrDefault(name, "#111827"), values(name)))];
}
