namespace MeshLite.Kubernetes.Objects;

/// <summary>A Pod, as far as it is used here.</summary>
public sealed record Pod : IKubernetesObject
{
    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary>What is wanted.</summary>
    public PodSpec Spec { get; set; } = new();

    /// <summary>What is.</summary>
    public PodStatus Status { get; set; } = new();
}

/// <summary>Spec of a Pod.</summary>
public sealed record PodSpec
{
    /// <summary>Service account; the server fills it in.</summary>
    public string? ServiceAccountName { get; set; }

    /// <summary>Node; null until it is scheduled.</summary>
    public string? NodeName { get; set; }

    /// <summary>Whether its addresses are the node's.</summary>
    public bool HostNetwork { get; set; }

    /// <summary>Init containers, native sidecars among them.</summary>
    public IReadOnlyList<Container> InitContainers { get; set => field = value ?? []; } = [];

    /// <summary>Containers.</summary>
    public IReadOnlyList<Container> Containers { get; set => field = value ?? []; } = [];
}

/// <summary>Container of a Pod.</summary>
public sealed record Container
{
    /// <summary>Name.</summary>
    public string Name { get; set; } = "";

    /// <summary><c>Always</c> makes an init container a native sidecar.</summary>
    public string? RestartPolicy { get; set; }

    /// <summary>Declared ports.</summary>
    public IReadOnlyList<ContainerPort> Ports { get; set => field = value ?? []; } = [];
}

/// <summary>Declared port of a container.</summary>
public sealed record ContainerPort
{
    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>Number (field <c>containerPort</c>).</summary>
    [System.Text.Json.Serialization.JsonPropertyName("containerPort")]
    public int Number { get; set; }

    /// <summary><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>.</summary>
    public string Protocol { get; set; } = "TCP";
}

/// <summary>Status of a Pod.</summary>
public sealed record PodStatus
{
    /// <summary><c>Pending</c>, <c>Running</c>, <c>Succeeded</c>, <c>Failed</c>, <c>Unknown</c>.</summary>
    public string? Phase { get; set; }

    /// <summary>First address.</summary>
    public string? PodIP { get; set; }

    /// <summary>Addresses, one a family.</summary>
    public IReadOnlyList<PodAddress> PodIPs { get; set => field = value ?? []; } = [];

    /// <summary>The node's address.</summary>
    public string? HostIP { get; set; }
}

/// <summary>Address of a Pod.</summary>
public sealed record PodAddress
{
    /// <summary>Address.</summary>
    public string Ip { get; set; } = "";
}
