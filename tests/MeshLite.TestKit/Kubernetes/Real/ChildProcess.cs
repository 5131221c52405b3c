using System.Diagnostics;

namespace MeshLite.TestKit.Kubernetes.Real;

/// <summary>A program with its output in a file; ends with us, also if the test run is killed. Not thread-safe.</summary>
public sealed class ChildProcess(string program, string log, string[] arguments)
{
    private const int TailLength = 2000;

    // A shell that kills the program when its own input ends, as it does when we die. (Not the kernel's parent death signal: that
    // is sent when the thread ends that started the program, and threads of a pool do.)
    private const string Script = """
        log=$1; shift; exec 3<&0
        "$@" >>"$log" 2>&1 </dev/null 3<&- & child=$!
        echo $child
        (read -r _ <&3; kill -KILL $child) >/dev/null 2>&1 &
        exec 3<&-
        wait $child
        """;

    private Process? _process;
    private string _pid = "";

    public bool HasExited => _process?.HasExited ?? true;

    public void Start()
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false, RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["-c", Script, "sh", log, program, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _pid = _process.StandardOutput.ReadLine() ?? throw new InvalidOperationException($"{program} did not start");
    }

    public void Signal(string name)
    {
        using var kill = Process.Start("kill", ["-" + name, _pid]);
        kill.WaitForExit();
    }

    public async Task StopAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            process.StandardInput.Close();
            await process.WaitForExitAsync();
            process.Dispose();
        }
    }

    public string LogTail() => File.Exists(log) && File.ReadAllText(log) is var text ? text[^Math.Min(TailLength, text.Length)..] : "";
}
