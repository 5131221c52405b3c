using System.Diagnostics;

namespace MeshLite.TestKit.Kubernetes.Real;

/// <summary>A program with its output in a file; ends with us, also if the test run is killed. Not thread-safe.</summary>
internal sealed class ChildProcess(string program, string log, string[] arguments)
{
    private const int TailLength = 2000;

    private Process? _process;

    public bool HasExited => _process?.HasExited ?? true;

    public async Task StartAsync()
    {
        // setpriv's parent death signal: a killed test run leaves nothing behind.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec setpriv --pdeathsig KILL \"$@\" >>\"$log\" 2>&1");
        foreach (var argument in (string[])["sh", log, program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = await ForkingThread.StartAsync(start);
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, _process!.Id.ToString()]);
        kill.WaitForExit();
    }

    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public string LogTail() => File.Exists(log) && File.ReadAllText(log) is var text ? text[^Math.Min(TailLength, text.Length)..] : "";
}
