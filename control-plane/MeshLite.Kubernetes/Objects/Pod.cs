namespace MeshLite.Kubernetes.Objects;

/// <summary>A Pod, as far as it is used here.</summary>
public sealed record Pod : IKubernetesObject
{
    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What is wanted.</summary>
    public PodSpec Spec { get; init; } = new();

    /// <summary>What is.</summary>
    public PodStatus Status { get; init; } = new();
}

/// <summary>Spec of a Pod.</summary>
public sealed record PodSpec
{
    /// <summary>Service account; the server fills it in.</summary>
    public string? ServiceAccountName { get; init; }

    /// <summary>Node; null until it is scheduled.</summary>
    public string? NodeName { get; init; }

    /// <summary>Whether its addresses are the node's.</summary>
    public bool HostNetwork { get; init; }

    /// <summary>Init containers, native sidecars among them.</summary>
    public IReadOnlyList<Container> InitContainers { get; init; } = [];

    /// <summary>Containers.</summary>
    public IReadOnlyList<Container> Containers { get; init; } = [];
}

/// <summary>Container of a Pod.</summary>
public sealed record Container
{
    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary><c>Always</c> makes an init container a native sidecar.</summary>
    public string? RestartPolicy { get; init; }

    /// <summary>Declared ports.</summary>
    public IReadOnlyList<ContainerPort> Ports { get; init; } = [];
}

/// <summary>Declared port of a container.</summary>
public sealed record ContainerPort
{
    /// <summary>Name.</summary>
    public string? Name { get; init; }

    /// <summary>Number (field <c>containerPort</c>).</summary>
    [System.Text.Json.Serialization.JsonPropertyName("containerPort")]
    public int Number { get; init; }

    /// <summary><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>.</summary>
    public string Protocol { get; init; } = "TCP";
}

/// <summary>Status of a Pod.</summary>
public sealed record PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c>, <c>Unknown</c>.</summary>
    public string? Phase { get; init; }

    /// <summary>First address.</summary>
    public string? PodIP { get; init; }

    /// <summary>Addresses, one a family.</summary>
    public IReadOnlyList<PodAddress> PodIPs { get; init; } = [];

    /// <summary>The node's address.</summary>
    public string? HostIP { get; init; }
}

/// <summary>Address of a Pod.</summary>
public sealed record PodAddress
{
    /// <summary>Address.</summary>
    public string Ip { get; init; } = "";
}
