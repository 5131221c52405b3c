using MeshLite.Hosting;
using MeshLite.Kubernetes.Connection;

namespace MeshLite.Cli.Wait;

/// <summary>How a command reaches the cluster: <c>--kubeconfig</c>, else as kubectl does.</summary>
internal static class KubeconfigOption
{
    /// <summary>The connection. Throws <see cref="StartupException"/>.</summary>
    public static ClusterConnection Connect(string? file, TimeProvider time)
    {
        var home = Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".kube", "config");
        file ??= Environment.GetEnvironmentVariable("KUBECONFIG") is { Length: > 0 } set ? set.Split(Path.PathSeparator)[0] : File.Exists(home) ? home : null;
        try
        {
            return file is null ? ClusterConnection.InCluster(time) : ClusterConnection.FromKubeconfig(file, time);
        }
        catch (ConnectionException problem)
        {
            throw StartupException.WrongOption("--kubeconfig", problem.Message);
        }
    }
}
