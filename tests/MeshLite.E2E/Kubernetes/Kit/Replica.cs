using System.Net.Http;
using MeshLite.E2E.Pods.Kit;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>
/// One of the control plane's replicas: a pod as the Deployment of <c>manifests/</c> has it, in whose network namespace the program runs with its defaults, under
/// the service account's own token.
/// </summary>
public sealed class Replica(KubeMesh mesh, Pod pod, string kubeconfig)
{
    private const int Uid = 1654;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Where.</summary>
    public Pod Pod => pod;

    /// <summary>The newest process.</summary>
    public ManagedProcess Process { get; private set; } = null!;

    /// <summary>Starts it, or starts it again; returns once it is ready as its readiness probe asks.</summary>
    public async Task StartAsync()
    {
        Process = pod.Start("control-plane", "unshare",
        [
            "--uts", "sh", "-ec", "hostname \"$0\"; exec \"$@\"", pod.Name,
            "setpriv", $"--reuid={Uid}", $"--regid={Uid}", "--clear-groups", "--bounding-set=-all", "--no-new-privs", mesh.Programs.ControlPlane, "--kubeconfig", kubeconfig,
        ]);
        await Eventually.TrueAsync(
            async () =>
            {
                Process.HasEnded.ShouldBeFalse(Process.Log.Tail(20));
                return await Http.StatusAsync(mesh.Kubelet, $"http://{pod.Address}:15014/ready") == 200;
            },
            $"{pod.Name} is ready", Patience);
        await StatusAsync(true);
    }

    /// <summary>SIGKILL; its kubelet notices.</summary>
    public async Task KillAsync()
    {
        await Process.KillAsync();
        await StatusAsync(false);
    }

    /// <summary>SIGTERM; returns its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        var code = await Process.TerminateAsync(Patience);
        await StatusAsync(false);
        return code;
    }

    private Task StatusAsync(bool ready) => mesh.Cluster.PodStatusAsync(KubeMesh.Own, pod.Name, "Running", pod.Address, ready);
}

/// <summary>As the kubelet asks.</summary>
internal static class Http
{
    /// <summary>Status of a GET; 0: no answer.</summary>
    public static async Task<int> StatusAsync(HttpClient client, string url)
    {
        try
        {
            using var response = await client.GetAsync(url);
            return (int)response.StatusCode;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException)
        {
            return 0;
        }
    }
}
