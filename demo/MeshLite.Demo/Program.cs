using System.Runtime.InteropServices;
using MeshLite.Demo;
using MeshLite.Demo.Claims;
using MeshLite.Demo.Output;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

var options = DemoOptions.Parse(args, [.. AllClaims.List.Select(c => c.Name)], out var error);
if (options is null)
{
    await Console.Error.WriteLineAsync($"demo: {error}");
    return 2;
}

using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);

var time = TimeProvider.System;
var terminal = !Console.IsOutputRedirected && !Console.IsInputRedirected;
IDemoOutput output = terminal ? new TerminalOutput() : new PlainOutput(time);
var directory = Path.Combine(MeshPrograms.RepositoryRoot(), "out", "demo");
if (Directory.Exists(directory))
{
    // Nothing of an earlier run may be taken for this one's.
    Directory.Delete(directory, recursive: true);
}

try
{
    return await new DemoRun(options, output, directory, time).RunAsync(terminal, stop.Token) ? 0 : 1;
}
catch (OperationCanceledException) when (stop.IsCancellationRequested)
{
    return 130;
}
catch (ProcessFailedException e)
{
    await Console.Error.WriteLineAsync($"demo: {e.Message}\nall logs: {directory}/logs");
    return 1;
}
