using MeshLite.Bench.Load;
using MeshLite.Bench.Pairs;
using MeshLite.Bench.Results;
using MeshLite.Processes;

namespace MeshLite.Bench.Cases;

/// <summary>
/// Runs one case: all pairs stand at once, and are loaded in turn, round after round, so that whatever else the machine
/// does meets all of them alike.
/// </summary>
internal sealed class CaseRunner(BenchCase @case, ILoadGenerator load, BenchSettings settings, TimeProvider time)
{
    public async Task<CaseResult> RunAsync(IReadOnlyList<RunningPair> pairs)
    {
        Console.WriteLine($"{@case.Name}: {@case.Connections} connections, {settings.Rounds} rounds of {settings.RoundDuration.TotalSeconds:0} s each, load by {load.Name}");
        var warmUps = new Dictionary<string, WarmUp>();
        foreach (var running in pairs)
        {
            await EntryCheck.RunAsync(running.Pair.Name, TargetOf(running), @case.Protocol, time);
            warmUps[running.Pair.Name] = await WarmUp.RunAsync(() => MeasureAsync(running));
            Console.WriteLine($"  warmed up {running.Pair.Name,-9} {warmUps[running.Pair.Name]}");
        }

        var rounds = pairs.ToDictionary(p => p.Pair.Name, _ => new List<Round>());
        for (var round = 1; round <= settings.Rounds; round++)
        {
            foreach (var running in pairs)
            {
                var measured = await MeasureAsync(running);
                rounds[running.Pair.Name].Add(measured);
                Console.WriteLine($"  round {round} {running.Pair.Name,-9} {measured.CpuMicrosPerRequest,7:0.0} µs/request {measured.RequestsPerSecond,7:0}/s  p99 {measured.P99Ms:0.00} ms");
            }
        }

        return new CaseResult
        {
            Name = @case.Name,
            Shape = @case.Shape,
            Protocol = @case.Protocol,
            Connections = @case.Connections,
            BodyBytes = @case.BodyBytes,
            Rate = @case.Rate,
            Load = load.Name,
            Proxies = pairs.ToDictionary(p => p.Pair.Name, p => ProxyResult.Of(p.Pair.Description, warmUps[p.Pair.Name], rounds[p.Pair.Name])),
        };
    }

    private async Task<Round> MeasureAsync(RunningPair running)
    {
        var proxies = EntryOf(running).Proxies;
        var before = proxies.Select(p => ProcessUsage.Cpu(p.Id)).ToArray();
        var result = await load.RunAsync(TargetOf(running), @case.Connections, settings.RoundDuration);
        var spent = proxies.Zip(before, (p, b) => ProcessUsage.Cpu(p.Id) - b).Sum(t => t.TotalMicroseconds);
        if (result.Failures > 0 || result.Requests == 0)
        {
            throw new ProcessFailedException($"{running.Pair.Name}: {result.Failures} of {result.Requests} requests failed; figures of such a run mean nothing");
        }

        return new Round(
            spent / result.Requests,
            result.Requests / result.Duration.TotalSeconds,
            result.P50.TotalMilliseconds,
            result.P99.TotalMilliseconds,
            result.P999?.TotalMilliseconds,
            proxies.Select(p => ProcessUsage.PrivateBytes(p.Id)).DefaultIfEmpty().Max() / 1e6);
    }

    private PairEntry EntryOf(RunningPair running) => @case.Protocol == LoadProtocol.Grpc ? running.Entries.Grpc : running.Entries.Http;

    private LoadTarget TargetOf(RunningPair running) => new(new Uri(EntryOf(running).Address, @case.Path), EntryOf(running).Host, @case.BodyBytes);
}

/// <summary>A pair that was started.</summary>
internal sealed record RunningPair(IProxyPair Pair, PairEntries Entries);
