using System.Globalization;
using MeshLite.Bench;
using MeshLite.Bench.Load;
using MeshLite.Bench.Pairs;
using MeshLite.Bench.Results;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

var time = TimeProvider.System;
var output = Path.Combine(MeshPrograms.RepositoryRoot(), "out", "bench");
var directory = Directory.CreateTempSubdirectory("meshlite-bench-").FullName;
await using var launcher = new ProcessLauncher(time, null);
try
{
    var environment = new BenchEnvironment(launcher, directory, new BenchCertificates(Path.Combine(directory, "tls"), time));
    ILoadGenerator load = BenchEnvironment.HasProgram("wrk") ? new WrkLoad(launcher) : new HttpClientLoad(time);
    var backend = await Backend.StartAsync(environment);
    var pairs = new List<(IProxyPair, Uri)>();
    var only = Environment.GetEnvironmentVariable("BENCH_PAIRS")?.Split(',');
    foreach (var pair in (IProxyPair[])[new NginxPair(environment), new YarpPair(environment), new MeshLitePair(environment)])
    {
        if (only?.Contains(pair.Name, StringComparer.Ordinal) == false)
        {
            continue;
        }

        if (pair.Missing is { } reason)
        {
            Console.WriteLine($"  skipped {pair.Name}: {reason}");
            continue;
        }

        pairs.Add((pair, await pair.StartAsync(backend)));
    }

    var seconds = int.Parse(Environment.GetEnvironmentVariable("BENCH_SECONDS") ?? "8", CultureInfo.InvariantCulture);
    var http1 = new BenchCase(load, time)
    {
        Name = "http1-100b-32",
        Connections = 32,
        Rounds = 3,
        RoundDuration = TimeSpan.FromSeconds(seconds),
        WarmUp = TimeSpan.FromSeconds(seconds),
    };
    Console.WriteLine($"{http1.Name}: {http1.Connections} connections, {http1.Rounds} rounds of {seconds} s each, load by {load.Name}, {Environment.ProcessorCount} cores");
    var result = await http1.RunAsync(pairs);
    Report.Write(Path.Combine(output, "results.json"), load.Name, [result]);
    Console.WriteLine();
    Console.Write(Report.Table(result));
    Console.WriteLine($"written to {Path.Combine(output, "results.json")}");
    return 0;
}
catch (ProcessFailedException e)
{
    await Console.Error.WriteLineAsync(e.Message);
    return 1;
}
finally
{
    await launcher.DisposeAsync();
    Directory.Delete(directory, recursive: true);
}
