using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>A Secret. Fields not known here survive a replace.</summary>
public sealed record Secret : IKubernetesObject
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; init; } = "v1";

    /// <summary>Kind.</summary>
    public string Kind { get; init; } = "Secret";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary><c>Opaque</c>, <c>kubernetes.io/tls</c>, …; cannot be changed.</summary>
    public string? Type { get; init; }

    /// <summary>Values.</summary>
    public IReadOnlyDictionary<string, byte[]> Data { get; init; } = new Dictionary<string, byte[]>();

    /// <summary>Whether <see cref="Data"/> may never change again.</summary>
    public bool? Immutable { get; init; }

    /// <summary>The rest.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>A ConfigMap. Fields not known here survive a replace.</summary>
public sealed record ConfigMap : IKubernetesObject
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; init; } = "v1";

    /// <summary>Kind.</summary>
    public string Kind { get; init; } = "ConfigMap";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; init; } = new();

    /// <summary>Values.</summary>
    public IReadOnlyDictionary<string, string> Data { get; init; } = new Dictionary<string, string>();

    /// <summary>The rest.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
