using MeshLite.Bench.Results;
using MeshLite.Bench.Scale;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

var results = Path.Combine(MeshPrograms.RepositoryRoot(), "out", "bench", "scale.json");
var directory = Directory.CreateTempSubdirectory("meshlite-scale-").FullName;
await using var launcher = new ProcessLauncher(TimeProvider.System, null);
try
{
    var settings = ScaleSettings.Read();
    var machine = await Machine.ReadAsync(launcher);
    var runs = new List<ScaleResult>();
    foreach (var sidecars in settings.Sidecars)
    {
        runs.Add(await ScaleRun.RunAsync(sidecars, settings, launcher, directory));
        // After each: the largest takes longest, and may be too large for the machine.
        ResultsFile.Write(results, new ScaleRuns(machine, TimeProvider.System.GetUtcNow(), runs));
    }

    Console.WriteLine($"written to {results}");
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
