using System.Text.Json;
using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>A Secret. Fields not known here survive a replace.</summary>
public sealed record Secret : IKubernetesObject
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; set; } = "v1";

    /// <summary>Kind.</summary>
    public string Kind { get; set; } = "Secret";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary><c>Opaque</c>, <c>kubernetes.io/tls</c>, …; cannot be changed.</summary>
    public string? Type { get; set; }

    /// <summary>Values.</summary>
    public IReadOnlyDictionary<string, byte[]> Data { get; set => field = value ?? new Dictionary<string, byte[]>(); } = new Dictionary<string, byte[]>();

    /// <summary>Whether <see cref="Data"/> may never change again.</summary>
    public bool? Immutable { get; set; }

    /// <summary>The rest.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}

/// <summary>A ConfigMap. Fields not known here survive a replace.</summary>
public sealed record ConfigMap : IKubernetesObject
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; set; } = "v1";

    /// <summary>Kind.</summary>
    public string Kind { get; set; } = "ConfigMap";

    /// <inheritdoc/>
    public ObjectMeta Metadata { get; set; } = new();

    /// <summary>Values.</summary>
    public IReadOnlyDictionary<string, string> Data { get; set => field = value ?? new Dictionary<string, string>(); } = new Dictionary<string, string>();

    /// <summary>The rest.</summary>
    [JsonExtensionData]
    public IDictionary<string, JsonElement>? Others { get; set; }
}
