using System.Text.Json.Serialization;

namespace MeshLite.Kubernetes.Objects;

/// <summary>What all objects have. Implemented by records that are not changed once read: many hold them.</summary>
public interface IKubernetesObject
{
    /// <summary>Standard metadata.</summary>
    ObjectMeta Metadata { get; }
}

/// <summary>Metadata of an object, all of it but what is the server's own bookkeeping (<c>managedFields</c>).</summary>
public sealed record ObjectMeta
{
    /// <summary>Name; empty where <see cref="GenerateName"/> asks the server for one.</summary>
    public string Name { get; set; } = "";

    /// <summary>Beginning of a name that the server completes.</summary>
    public string? GenerateName { get; set; }

    /// <summary>Null for kinds without namespaces.</summary>
    public string? Namespace { get; set; }

    /// <summary>Tells an object from an earlier one of the same name.</summary>
    public string? Uid { get; set; }

    /// <summary>Version of the object; on a write, the version that must still be there.</summary>
    public string? ResourceVersion { get; set; }

    /// <summary>Counts changes of the spec.</summary>
    public long? Generation { get; set; }

    /// <summary>By the server's clock, in whole seconds.</summary>
    public DateTimeOffset? CreationTimestamp { get; set; }

    /// <summary>Set while the object waits for its finalizers or its grace period.</summary>
    public DateTimeOffset? DeletionTimestamp { get; set; }

    /// <summary>Labels.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; set; }

    /// <summary>Annotations.</summary>
    public IReadOnlyDictionary<string, string>? Annotations { get; set; }

    /// <summary>Whose deletion deletes this.</summary>
    public IReadOnlyList<OwnerReference>? OwnerReferences { get; set; }

    /// <summary>What must be taken out before the object goes.</summary>
    public IReadOnlyList<string>? Finalizers { get; set; }

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
    public string ApiVersion { get; set; } = "";

    /// <summary>Kind.</summary>
    public string Kind { get; set; } = "";

    /// <summary>Name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Uid.</summary>
    public string Uid { get; set; } = "";

    /// <summary>Whether it is the one that manages the object.</summary>
    public bool? Controller { get; set; }

    /// <summary>Whether the owner's foreground deletion waits for this object.</summary>
    public bool? BlockOwnerDeletion { get; set; }
}
