using MeshLite.Bench.Cases;
using MeshLite.Bench.Pairs;
using MeshLite.Bench.Results;
using MeshLite.Processes;

namespace MeshLite.Bench;

/// <summary>One run: backends, pairs, the cases one after the other. Owns nothing: the launcher ends what was started.</summary>
internal sealed class BenchRun(BenchEnvironment environment, TimeProvider time)
{
    /// <summary>Cases that gave no figures.</summary>
    public int Failures { get; private set; }

    public async Task<RunResult> RunAsync()
    {
        IProxyPair[] pairs =
        [
            new NoProxy(), new NginxPair(environment), new HaproxyPair(environment), new Pairs.YarpPair(environment),
            .. BenchSettings.Builds().Select(b => new MeshLitePair(environment, b.Name, b.Programs)),
        ];
        var settings = BenchSettings.Read([.. pairs.Select(p => p.Name)]);
        var machine = await Machine.ReadAsync(environment.Launcher);
        var chosen = pairs.Where(p => settings.Pairs.Contains(p.Name) && IsThere(p)).ToArray();
        var backends = await Backend.StartAsync(environment);
        var generators = new LoadGenerators(environment, time);
        var memory = settings.Cases.Contains(BenchCase.Memory)
            ? await new MemoryCase([.. chosen.Where(p => p is not NoProxy)], backends, generators.Closed(closesConnections: false), settings, time).RunAsync()
            : null;
        return new RunResult
        {
            Machine = machine,
            Date = time.GetUtcNow(),
            RoundSeconds = (int)settings.RoundDuration.TotalSeconds,
            Rounds = settings.Rounds,
            Cases = await RunAsync(BenchCase.All.Where(c => settings.Cases.Contains(c.Name)), chosen, backends, generators, settings),
            Memory = memory,
        };
    }

    private async Task<IReadOnlyList<CaseResult>> RunAsync(
        IEnumerable<BenchCase> cases, IProxyPair[] pairs, Backends backends, LoadGenerators generators, BenchSettings settings)
    {
        var results = new List<CaseResult>();
        var running = new List<RunningPair>();
        foreach (var @case in cases)
        {
            if (generators.For(@case, out var reason) is not { } load)
            {
                Console.WriteLine($"skipped {@case.Name}: {reason}");
                continue;
            }

            if (running.Count == 0)
            {
                foreach (var pair in pairs)
                {
                    running.Add(new RunningPair(pair, await pair.StartAsync(backends)));
                }
            }

            try
            {
                // Without a proxy there is nothing but latency to see.
                var result = await new CaseRunner(@case, load, settings, time).RunAsync([.. running.Where(r => r.Pair is not NoProxy || @case.Shape == LoadShape.OpenLoop)]);
                results.Add(result);
                Console.WriteLine();
                Console.WriteLine(ConsoleTable.Of(result));
            }
            catch (ProcessFailedException failure)
            {
                // The other cases are worth having all the same.
                Failures++;
                Console.WriteLine($"{@case.Name} FAILED: {failure.Message}");
            }
        }

        return results;
    }

    private static bool IsThere(IProxyPair pair)
    {
        if (pair.Missing is { } reason)
        {
            Console.WriteLine($"  skipped {pair.Name}: {reason}");
        }

        return pair.Missing is null;
    }
}
