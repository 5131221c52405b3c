namespace MeshLite.Injection;

/// <summary>What an installation says about the sidecars it injects. Immutable.</summary>
public sealed record InjectionOptions
{
    /// <summary>Image of sidecar and capture.</summary>
    public required string Image { get; init; }

    /// <summary>The control plane's gRPC address as pods see it, <c>https://HOST:PORT</c>.</summary>
    public required string ControlPlane { get; init; }

    /// <summary>The mesh's roots, PEM: the first trust bundle of a pod. It travels as an annotation, which a projected volume turns into a file.</summary>
    public required string TrustBundlePem { get; init; }

    /// <summary>Audience of the service-account token the control plane reviews.</summary>
    public required string TokenAudience { get; init; }

    /// <summary>Version of MeshLite, noted in <see cref="MeshAnnotations.Status"/>.</summary>
    public required string Version { get; init; }

    /// <summary>Life of that token; the kubelet renews it. <value>Default 1 h, at least 10 min (Kubernetes' own bound).</value></summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>CPU a sidecar requests where the pod does not say. <value>Default 50m.</value></summary>
    public string CpuRequest { get; init; } = "50m";

    /// <summary>Memory a sidecar requests where the pod does not say. <value>Default 64Mi.</value></summary>
    public string MemoryRequest { get; init; } = "64Mi";
}

/// <summary>The namespace a pod is created in, as far as injection looks at it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Labels">Its labels.</param>
public sealed record PodNamespace(string Name, IReadOnlyDictionary<string, string> Labels);
