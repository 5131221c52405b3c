using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>What all objects have. Implemented by records with init-only properties: readers share them.</summary>
public interface IKubernetesObject
{
    /// <summary>Standard metadata.</summary>
    ObjectMeta Metadata { get; }
}

/// <summary>Metadata of an object, all of it but what is the server's own bookkeeping (<c>managedFields</c>).</summary>
public sealed record ObjectMeta
{
    /// <summary>Name; empty where <see cref="GenerateName"/> asks the server for one.</summary>
    public string Name { get; init; } = "";

    /// <summary>Beginning of a name that the server completes.</summary>
    public string? GenerateName { get; init; }

    /// <summary>Null for kinds without namespaces.</summary>
    public string? Namespace { get; init; }

    /// <summary>Tells an object from an earlier one of the same name.</summary>
    public string? Uid { get; init; }

    /// <summary>Version of the object; on a write, the version that must still be there.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>Counts changes of the spec.</summary>
    public long? Generation { get; init; }

    /// <summary>By the server's clock, in whole seconds.</summary>
    public DateTimeOffset? CreationTimestamp { get; init; }

    /// <summary>Set while the object waits for its finalizers or its grace period.</summary>
    public DateTimeOffset? DeletionTimestamp { get; init; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Annotations.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; init; }

    /// <summary>Whose deletion deletes this.</summary>
    public IReadOnlyList<OwnerReference>? OwnerReferences { get; init; }

    /// <summary>What must be taken out before the object goes.</summary>
    public IReadOnlyList<string>? Finalizers { get; init; }

    /// <summary>Key of the object.</summary>
    [JsonIgnore]
    public ObjectKey Key => new(Namespace, Name);

    /// <summary>A label's value, null without.</summary>
    public string? Label(string key) => Labels is not null && Labels.TryGetValue(key, out var value) ? value : null;

    /// <summary>An annotation's value, null without.</summary>
    public string? Annotation(string key) => Annotations is not null && Annotations.TryGetValue(key, out var value) ? value : null;
}

/// <summary>Owner of an object.</summary>
public sealed record OwnerReference
{
    /// <summary>Group and version.</summary>
    public string ApiVersion { get; init; } = "";

    /// <summary>Kind.</summary>
    public string Kind { get; init; } = "";

    /// <summary>Name.</summary>
    public string Name { get; init; } = "";

    /// <summary>Uid.</summary>
    public string Uid { get; init; } = "";

    /// <summary>Whether it is the one that manages the object.</summary>
    public bool? Controller { get; init; }

    /// <summary>Whether the owner's foreground deletion waits for this object.</summary>
    public bool? BlockOwnerDeletion { get; init; }
}
