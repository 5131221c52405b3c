namespace MeshLite.Kubernetes.Connection;

/// <summary>Where the API server is, whom we believe to be it, and what we show it. Immutable, but for files that are read again.</summary>
public sealed class ClusterConnection
{
    /// <summary>Address of the server.</summary>
    public required Uri Server { get; init; }

    /// <summary>Namespace of the context, or of our own pod. <value>Default <c>default</c>.</value></summary>
    public string Namespace { get; init; } = "default";

    /// <summary>From the current context of a kubeconfig; throws <see cref="ConnectionException"/> with one clear sentence.</summary>
    public static ClusterConnection FromKubeconfig(string path) => throw new NotImplementedException();

    /// <summary>From within a pod: service account's token (read again as it rotates), CA, and the server's address in the environment.</summary>
    public static ClusterConnection InCluster(TimeProvider time, string directory = "/var/run/secrets/kubernetes.io/serviceaccount") => throw new NotImplementedException();
}

/// <summary>How to reach the cluster cannot be told; the message is for whoever started the program.</summary>
public sealed class ConnectionException(string message) : Exception(message);
