namespace MeshLite.Kubernetes;

/// <summary>How the client behaves on the wire.</summary>
public sealed record KubernetesClientOptions
{
    /// <summary>Whole time of a request that is not a watch; for a watch, time to the response's headers. <value>Default 30 s.</value></summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Quiet time on a connection with open requests after which it is asked whether it lives. <value>Default 10 s, at least 1 s.</value></summary>
    public TimeSpan KeepAlivePingDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time for the answer; without one every request of the connection fails. <value>Default 10 s, at least 1 s.</value></summary>
    public TimeSpan KeepAlivePingTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How the server's log names us. <value>Default <c>meshlite</c>.</value></summary>
    public string UserAgent { get; init; } = "meshlite";
}
