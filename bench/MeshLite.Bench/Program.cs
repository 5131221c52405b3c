using MeshLite.Bench;
using MeshLite.Bench.Pairs;
using MeshLite.Bench.Report;
using MeshLite.Bench.Results;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

var time = TimeProvider.System;
var root = MeshPrograms.RepositoryRoot();
var results = Path.Combine(root, "out", "bench", "results.json");
if (args is ["report"])
{
    return PerformancePage.Write(Path.Combine(root, "out", "bench"), Path.Combine(root, "docs"));
}

var directory = Directory.CreateTempSubdirectory("meshlite-bench-").FullName;
await using var launcher = new ProcessLauncher(time, null);
try
{
    var environment = new BenchEnvironment(launcher, directory, new BenchCertificates(Path.Combine(directory, "tls"), time));
    var run = new BenchRun(environment, time);
    ResultsFile.Write(results, await run.RunAsync());
    Console.WriteLine($"written to {results}");
    return run.Failures == 0 ? 0 : 1;
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
