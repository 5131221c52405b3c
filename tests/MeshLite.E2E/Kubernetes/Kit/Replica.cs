using System.Net.Http;
using MeshLite.E2E.Pods.Kit;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>One of the control plane's replicas: a process in a pod of its own, with its defaults, a host name and no rights, under its own service account.</summary>
public sealed class Replica(Pod pod, string program, string kubeconfig)
{
    private const int Uid = 1654;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Where.</summary>
    public Pod Pod => pod;

    /// <summary>The newest process.</summary>
    public ManagedProcess Process { get; private set; } = null!;

    /// <summary>Starts it, or starts it again; returns once it is ready as its readiness probe asks.</summary>
    public async Task StartAsync(HttpClient kubelet)
    {
        Process = pod.Start("control-plane", "unshare",
        [
            "--uts", "sh", "-ec", "hostname \"$0\"; exec \"$@\"", pod.Name,
            "setpriv", $"--reuid={Uid}", $"--regid={Uid}", "--clear-groups", "--bounding-set=-all", "--no-new-privs", program, "--kubeconfig", kubeconfig,
        ]);
        await Eventually.TrueAsync(
            async () =>
            {
                Process.HasEnded.ShouldBeFalse(Process.Log.Tail(20));
                return await Http.StatusAsync(kubelet, $"http://{pod.Address}:15014/ready") == 200;
            },
            $"{pod.Name} is ready", Patience);
    }
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
