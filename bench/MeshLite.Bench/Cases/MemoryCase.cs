using MeshLite.Bench.Load;
using MeshLite.Bench.Load.OpenLoop;
using MeshLite.Bench.Pairs;
using MeshLite.Bench.Results;
using MeshLite.Processes;

namespace MeshLite.Bench.Cases;

/// <summary>
/// RssAnon of the larger proxy of each pair: idle, at 1,000 requests/s, at full load over 512 connections. Each round starts
/// the pair anew: what a heap once grew to says nothing of what a lighter load needs.
/// </summary>
internal sealed class MemoryCase(IReadOnlyList<IProxyPair> pairs, Backends backends, ILoadGenerator full, BenchSettings settings, TimeProvider time)
{
    private const int Rate = 1_000;
    private const int Connections = 32;
    private const int FullConnections = 512;

    // After the start: what is done once is done by then.
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(3);

    public async Task<IReadOnlyDictionary<string, MemoryResult>> RunAsync()
    {
        Console.WriteLine($"{BenchCase.Memory}: idle, {Rate}/s over {Connections} connections, full load over {FullConnections}; {settings.Rounds} rounds");
        var rounds = pairs.ToDictionary(p => p.Name, _ => new List<(double Idle, double Rate, double Full)>());
        for (var round = 1; round <= settings.Rounds; round++)
        {
            foreach (var pair in pairs)
            {
                var seen = await MeasureAsync(pair);
                rounds[pair.Name].Add(seen);
                Console.WriteLine($"  round {round} {pair.Name,-9} {seen.Idle,6:0.0} {seen.Rate,6:0.0} {seen.Full,6:0.0} MB");
            }
        }

        return rounds.ToDictionary(r => r.Key, r => new MemoryResult
        {
            IdleMb = Spread.Of(r.Value.Select(v => v.Idle)),
            At1000PerSecondMb = Spread.Of(r.Value.Select(v => v.Rate)),
            FullLoadMb = Spread.Of(r.Value.Select(v => v.Full)),
        });
    }

    private async Task<(double Idle, double Rate, double Full)> MeasureAsync(IProxyPair pair)
    {
        var entry = (await pair.StartAsync(backends)).Http;
        try
        {
            var target = new LoadTarget(entry.Address, entry.Host, 100);
            await EntryCheck.RunAsync(pair.Name, target, LoadProtocol.Http1, time);
            await Task.Delay(Idle, time);
            var idle = LargestMb(entry);
            var steady = await new OpenLoopLoad(Rate, time).RunAsync(target, Connections, settings.RoundDuration);
            var rate = LargestMb(entry);
            var most = await full.RunAsync(target, FullConnections, settings.RoundDuration);
            return steady.Failures + most.Failures == 0
                ? (idle, rate, LargestMb(entry))
                : throw new ProcessFailedException($"{pair.Name}: {steady.Failures + most.Failures} requests failed; figures of such a run mean nothing");
        }
        finally
        {
            await pair.DisposeAsync();
        }
    }

    private static double LargestMb(PairEntry entry) => entry.Proxies.Max(p => ProcessUsage.PrivateBytes(p.Id)) / 1e6;
}
