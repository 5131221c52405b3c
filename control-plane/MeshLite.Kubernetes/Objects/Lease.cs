using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>A lock that expires (coordination.k8s.io/v1). Fields not known here survive a replace.</summary>
public sealed record Lease : IKubernetesObject
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; set; } = "coordination.k8s.io/v1";

    /// <summary>Kind.</summary>
    public string Kind { get; set; } = "Lease";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary>Who holds it.</summary>
    public LeaseSpec Spec { get; set; } = new();
}

/// <summary>Spec of a Lease. Its times are by the holder's clock: for people, never compared.</summary>
public sealed record LeaseSpec
{
    /// <summary>Holder; empty when it was released.</summary>
    public string? HolderIdentity { get; set; }

    /// <summary>Seconds without a renewal after which it may be taken.</summary>
    public int? LeaseDurationSeconds { get; set; }

    /// <summary>When the holder took it.</summary>
    [JsonConverter(typeof(MicroTime))]
    public DateTimeOffset? AcquireTime { get; set; }

    /// <summary>When the holder last renewed.</summary>
    [JsonConverter(typeof(MicroTime))]
    public DateTimeOffset? RenewTime { get; set; }

    /// <summary>How often it changed hands.</summary>
    public int? LeaseTransitions { get; set; }

    /// <summary>The rest.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
