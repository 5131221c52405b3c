using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>A Service, as far as it is used here.</summary>
public sealed record Service : IKubernetesObject
{
    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>What is wanted.</summary>
    public ServiceSpec Spec { get; init; } = new();
}

/// <summary>Spec of a Service.</summary>
public sealed record ServiceSpec
{
    /// <summary><c>ClusterIP</c>, <c>NodePort</c>, <c>LoadBalancer</c>, <c>ExternalName</c>.</summary>
    public string Type { get; init; } = "ClusterIP";

    /// <summary>First address; <c>None</c> for a headless Service, empty for an ExternalName.</summary>
    public string? ClusterIP { get; init; }

    /// <summary>Addresses, one a family.</summary>
    public IReadOnlyList<string> ClusterIPs { get; init; } = [];

    /// <summary>Ports.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary>Labels of its pods; empty where somebody else makes the slices.</summary>
    public IReadOnlyDictionary<string, string>? Selector { get; init; }

    /// <summary>The host an ExternalName stands for.</summary>
    public string? ExternalName { get; init; }

    /// <summary>Whether unready pods are served as if they were ready.</summary>
    public bool PublishNotReadyAddresses { get; init; }

    /// <summary><c>Cluster</c> or <c>Local</c>.</summary>
    public string? InternalTrafficPolicy { get; init; }

    /// <summary><c>PreferClose</c> and its kin.</summary>
    public string? TrafficDistribution { get; init; }
}

/// <summary>Port of a Service.</summary>
public sealed record ServicePort
{
    /// <summary>Name; null where it is the only port.</summary>
    public string? Name { get; init; }

    /// <summary>Number.</summary>
    public int Port { get; init; }

    /// <summary>Number or name of the pods' port, as text; null: the same number.</summary>
    [JsonConverter(typeof(IntOrString))]
    public string? TargetPort { get; init; }

    /// <summary><c>TCP</c>, <c>UDP</c>, <c>SCTP</c>.</summary>
    public string Protocol { get; init; } = "TCP";

    /// <summary>Protocol of the application.</summary>
    public string? AppProtocol { get; init; }
}
