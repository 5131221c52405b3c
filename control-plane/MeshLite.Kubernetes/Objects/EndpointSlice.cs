namespace MeshLite.Kubernetes.Objects;

/// <summary>Some of a Service's endpoints (https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/).</summary>
public sealed record EndpointSlice : IKubernetesObject
{
    /// <summary>Label with the Service's name.</summary>
    public const string ServiceNameLabel = "kubernetes.io/service-name";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary><c>IPv4</c>, <c>IPv6</c>, <c>FQDN</c>.</summary>
    public string AddressType { get; set; } = "";

    /// <summary>Endpoints; all have the slice's ports.</summary>
    public IReadOnlyList<SliceEndpoint> Endpoints { get; set => field = value ?? []; } = [];

    /// <summary>Ports.</summary>
    public IReadOnlyList<SlicePort> Ports { get; set => field = value ?? []; } = [];
}

/// <summary>One endpoint of a slice.</summary>
public sealed record SliceEndpoint
{
    /// <summary>Addresses that stand for one endpoint; in practice one.</summary>
    public IReadOnlyList<string> Addresses { get; set => field = value ?? []; } = [];

    /// <summary>State.</summary>
    public EndpointConditions Conditions { get; set; } = new();

    /// <summary>The pod, if it is one.</summary>
    public ObjectReference? TargetRef { get; set; }

    /// <summary>Node.</summary>
    public string? NodeName { get; set; }

    /// <summary>Zone.</summary>
    public string? Zone { get; set; }

    /// <summary>Who should use it.</summary>
    public EndpointHints? Hints { get; set; }
}

/// <summary>State of an endpoint; absent means as the API says: ready, serving if ready, not terminating.</summary>
public sealed record EndpointConditions
{
    /// <summary>Takes traffic. <value>null: ready.</value></summary>
    public bool? Ready { get; set; }

    /// <summary>Answers, also while it terminates. <value>null: as <see cref="Ready"/>.</value></summary>
    public bool? Serving { get; set; }

    /// <summary>Is going. <value>null: no.</value></summary>
    public bool? Terminating { get; set; }
}

/// <summary>Who should use an endpoint.</summary>
public sealed record EndpointHints
{
    /// <summary>Zones.</summary>
    public IReadOnlyList<ForZone>? ForZones { get; set; }
}

/// <summary>A zone.</summary>
public sealed record ForZone
{
    /// <summary>Name of the zone.</summary>
    public string Name { get; set; } = "";
}

/// <summary>Port of a slice.</summary>
public sealed record SlicePort
{
    /// <summary>Name of the Service's port; empty for an unnamed one.</summary>
    public string? Name { get; set; }

    /// <summary>Number; null: every port.</summary>
    public int? Port { get; set; }

    /// <summary><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>.</summary>
    public string Protocol { get; set; } = "TCP";

    /// <summary>Protocol of the application.</summary>
    public string? AppProtocol { get; set; }
}

/// <summary>Names an object.</summary>
public sealed record ObjectReference
{
    /// <summary>Group and version.</summary>
    public string? ApiVersion { get; set; }

    /// <summary>Kind.</summary>
    public string? Kind { get; set; }

    /// <summary>Namespace.</summary>
    public string? Namespace { get; set; }

    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>Uid.</summary>
    public string? Uid { get; set; }

    /// <summary>Version.</summary>
    public string? ResourceVersion { get; set; }
}
