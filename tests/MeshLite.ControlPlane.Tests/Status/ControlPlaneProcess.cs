using System.Diagnostics;
using MeshLite.ControlPlane.Tests.Sources.Kubernetes;

namespace MeshLite.ControlPlane.Tests.Status;

/// <summary>The real program in a process of its own, to be killed without a word; gone when disposed.</summary>
internal sealed class ControlPlaneProcess : IDisposable
{
    private readonly Process _process;

    private ControlPlaneProcess(Process process) => _process = process;

    public static ControlPlaneProcess Start(ClusterServer server, string systemNamespace)
    {
        // setpriv's parent death signal: a killed test run leaves nothing behind.
        var start = new ProcessStartInfo("setpriv") { UseShellExecute = false, RedirectStandardOutput = true };
        foreach (var argument in (string[])
                 [
                     "--pdeathsig", "KILL", Path.Combine(AppContext.BaseDirectory, "meshlite-control-plane"), "--kubeconfig", server.KubeconfigOf(systemNamespace), "--namespace", systemNamespace,
                     "--grpc", $"{server.Address}:0", "--telemetry", "127.0.0.1:0", "--webhook", "127.0.0.1:0",
                 ])
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        return new ControlPlaneProcess(process);
    }

    public void Kill() => _process.Kill();

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.WaitForExit();
        _process.Dispose();
    }
}
