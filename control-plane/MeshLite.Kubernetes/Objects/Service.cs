using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>A Service, as far as it is used here.</summary>
public sealed record Service : IKubernetesObject
{
    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary>What is wanted.</summary>
    public ServiceSpec Spec { get; set; } = new();
}

/// <summary>Spec of a Service.</summary>
public sealed record ServiceSpec
{
    /// <summary><c>ClusterIP</c>, <c>NodePort</c>, <c>LoadBalancer</c>, <c>ExternalName</c>.</summary>
    public string Type { get; set; } = "ClusterIP";

    /// <summary>First address; <c>None</c> for a headless Service, empty for an ExternalName.</summary>
    public string? ClusterIP { get; set; }

    /// <summary>Addresses, one a family.</summary>
    public IReadOnlyList<string> ClusterIPs { get; set => field = value ?? []; } = [];

    /// <summary>Ports.</summary>
    public IReadOnlyList<ServicePort> Ports { get; set => field = value ?? []; } = [];

    /// <summary>Labels of its pods; empty where somebody else makes the slices.</summary>
    public IReadOnlyDictionary<string, string>? Selector { get; set; }

    /// <summary>The host an ExternalName stands for.</summary>
    public string? ExternalName { get; set; }

    /// <summary>Whether unready pods are served as if they were ready.</summary>
    public bool PublishNotReadyAddresses { get; set; }

    /// <summary><c>Cluster</c> or <c>Local</c>.</summary>
    public string? InternalTrafficPolicy { get; set; }

    /// <summary><c>PreferClose</c> and its kin.</summary>
    public string? TrafficDistribution { get; set; }
}

/// <summary>Port of a Service.</summary>
public sealed record ServicePort
{
    /// <summary>Name; null where it is the only port.</summary>
    public string? Name { get; set; }

    /// <summary>Number.</summary>
    public int Port { get; set; }

    /// <summary>Number or name of the pods' port, as text; null: the same number.</summary>
    [JsonConverter(typeof(IntOrString))]
    public string? TargetPort { get; set; }

    /// <summary><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>.</summary>
    public string Protocol { get; set; } = "TCP";

    /// <summary>Protocol of the application.</summary>
    public string? AppProtocol { get; set; }
}
