using System.Text.Json.Serialization.Metadata;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Kubernetes;

/// <summary>Where the API server keeps one kind of object. Compared by group, version and plural name.</summary>
/// <param name="Group">API group; empty for the core group.</param>
/// <param name="Version">Version of the group.</param>
/// <param name="Plural">Name in paths: <c>endpointslices</c>.</param>
/// <param name="Kind">Name in objects: <c>EndpointSlice</c>.</param>
/// <param name="IsNamespaced">Whether objects live in namespaces.</param>
public abstract record ResourceType(string Group, string Version, string Plural, string Kind, bool IsNamespaced)
{
    /// <summary>As objects say it: <c>v1</c>, <c>discovery.k8s.io/v1</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>For messages: <c>services</c>, <c>endpointslices.discovery.k8s.io</c>.</summary>
    public sealed override string ToString() => Group.Length == 0 ? Plural : $"{Plural}.{Group}";

    /// <summary>
    /// Path below the server's address. Without <paramref name="ns"/> that of all namespaces; with <paramref name="name"/> that of
    /// one object, <paramref name="subresource"/> of a part of it.
    /// </summary>
    public string PathOf(string? ns = null, string? name = null, string? subresource = null)
    {
        var path = (Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}")
            + (ns is null ? "" : $"/namespaces/{Uri.EscapeDataString(ns)}")
            + $"/{Plural}";
        return name is null ? path
            : subresource is null ? $"{path}/{Uri.EscapeDataString(name)}"
            : $"{path}/{Uri.EscapeDataString(name)}/{subresource}";
    }
}

/// <summary>A kind, and how its objects are read: <see cref="ResourceTypes"/> has those that are known.</summary>
/// <typeparam name="T">What the objects become: a record with the fields that are used, or <see cref="RawObject"/>.</typeparam>
public sealed record ResourceType<T>(string Group, string Version, string Plural, string Kind, bool IsNamespaced, JsonTypeInfo<T> Json)
    : ResourceType(Group, Version, Plural, Kind, IsNamespaced)
    where T : class, IKubernetesObject
{
    /// <inheritdoc/>
    public bool Equals(ResourceType<T>? other) =>
        other is not null && Group == other.Group && Version == other.Version && Plural == other.Plural;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Group, Version, Plural);
}
