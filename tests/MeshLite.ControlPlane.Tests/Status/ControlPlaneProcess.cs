using MeshLite.ControlPlane.Tests.Sources.Kubernetes;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes.Real;

namespace MeshLite.ControlPlane.Tests.Status;

/// <summary>The real program in a process of its own, to be killed without a word; gone when disposed.</summary>
internal sealed class ControlPlaneProcess : IAsyncDisposable
{
    private readonly TestDirectory _files = new();
    private readonly ChildProcess _process;

    public ControlPlaneProcess(ClusterServer server, string systemNamespace)
    {
        _process = new ChildProcess(Path.Combine(AppContext.BaseDirectory, "meshlite-control-plane"), _files["log"],
        [
            "--kubeconfig", server.KubeconfigOf(systemNamespace), "--namespace", systemNamespace, "--grpc", $"{server.Address}:0", "--telemetry", "127.0.0.1:0", "--webhook", "127.0.0.1:0",
        ]);
        _process.Start();
    }

    public Task KillAsync() => _process.StopAsync();

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _files.Dispose();
    }
}
