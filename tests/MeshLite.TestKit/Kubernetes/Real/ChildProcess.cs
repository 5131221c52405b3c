using System.Diagnostics;

namespace MeshLite.TestKit.Kubernetes.Real;

/// <summary>A program with its output in a file; ends with us, also if the test run is killed. Not thread-safe.</summary>
public sealed class ChildProcess(string program, string log, string[] arguments)
{
    private const int TailLength = 2000;

    private Process? _process;
    private Thread? _parent;

    /// <summary>Whether it has ended, or never began.</summary>
    public bool HasExited => _process?.HasExited ?? true;

    /// <summary>Starts it; again, once it has ended.</summary>
    public void Start()
    {
        // setpriv's parent death signal: a killed test run leaves nothing behind.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("log=$1; shift; exec setpriv --pdeathsig KILL \"$@\" >>\"$log\" 2>&1");
        foreach (var argument in (string[])["sh", log, program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        // The parent, as the kernel sees it, is the thread: one of the pool may end long before we do, and take the program with it.
        using var started = new SemaphoreSlim(0);
        Exception? failure = null;
        _parent = new Thread(() =>
        {
            try
            {
                _process = Process.Start(start)!;
            }
            catch (Exception error)
            {
                failure = error;
            }

            var process = _process;
            started.Release();
            process?.WaitForExit();
        }) { IsBackground = true, Name = $"parent of {program}" };
        _parent.Start();
        started.Wait();
        if (failure is not null)
        {
            throw new InvalidOperationException($"{program} cannot be started: {failure.Message}", failure);
        }
    }

    /// <summary>Sends it a signal: <c>STOP</c>.</summary>
    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, _process!.Id.ToString()]);
        kill.WaitForExit();
    }

    /// <summary>Kills it.</summary>
    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.Kill();
            await process.WaitForExitAsync();
            _parent!.Join();
            process.Dispose();
        }
    }

    /// <summary>End of its output.</summary>
    public string LogTail() => File.Exists(log) && File.ReadAllText(log) is var text ? text[^Math.Min(TailLength, text.Length)..] : "";
}
