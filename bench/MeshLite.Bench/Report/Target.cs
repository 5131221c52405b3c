using MeshLite.Bench.Results;

namespace MeshLite.Bench.Report;

/// <summary>One figure beside what it should be.</summary>
/// <param name="What">In words.</param>
/// <param name="Goal">At most.</param>
/// <param name="Seen">Null: not measured.</param>
/// <param name="Unit">Of both.</param>
internal sealed record Target(string What, double Goal, double? Seen, string Unit)
{
    /// <summary>The targets of the design (§9) and of the issue that these benches can tell.</summary>
    public static IEnumerable<Target> Of(RunResult run)
    {
        var http = run.Cases.FirstOrDefault(c => c.Name == "http1-100b-32")?.Proxies;
        var rate = run.Cases.FirstOrDefault(c => c.Name == "rate-100b-2000")?.Proxies;
        var memory = run.Memory?.GetValueOrDefault("meshlite");
        yield return new("CPU per request, http1-100b-32, to the bare YARP pair's", 1.1, Ratio(http, "yarp", p => p.CpuMicrosPerRequest), "×");
        yield return new("CPU per request, http1-100b-32, to the nginx pair's", 1.0, Ratio(http, "nginx", p => p.CpuMicrosPerRequest), "×");
        yield return new("p99 at 2,000/s, to the HAProxy pair's", 1.0, Ratio(rate, "haproxy", p => p.P99Ms), "×");
        yield return new("p99 at 2,000/s, to the nginx pair's", 1.0, Ratio(rate, "nginx", p => p.P99Ms), "×");
        yield return new("private memory at 1,000/s", 30, memory?.At1000PerSecondMb.Median, " MB");
        yield return new("private memory at full load, 512 connections", 60, memory?.FullLoadMb.Median, " MB");
    }

    /// <summary>Those of the control plane, by the largest run of at least 10,000 sidecars.</summary>
    public static IEnumerable<Target> Of(ScaleRuns scale)
    {
        var largest = scale.Runs.Where(r => r.Sidecars >= 10_000).MaxBy(r => r.Sidecars);
        yield return new("10,000 sidecars: an endpoint's change to acknowledgement, p99", 1_000, largest?.Find(ScaleResult.EndpointChanges)?.ChangeToAck?.P99Ms, " ms");
        yield return new("10,000 sidecars: the control plane's private memory, peak", 1_500, largest?.PeakMb, " MB");
    }

    private static double? Ratio(IReadOnlyDictionary<string, ProxyResult>? pairs, string to, Func<ProxyResult, double> value) =>
        pairs?.GetValueOrDefault("meshlite") is { } meshlite && pairs.GetValueOrDefault(to) is { } other ? value(meshlite) / value(other) : null;
}
