using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources.Kubernetes;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.ControlPlane.Status;

/// <summary>Where objects of ours are in the API.</summary>
internal static class OwnTypes
{
    /// <summary>Group and version.</summary>
    public const string ApiVersion = $"{KubernetesSource.Group}/{KubernetesSource.Version}";

    private static readonly Dictionary<ResourceKind, ResourceType<RawObject>> Types = KubernetesSource.OwnKinds.ToDictionary(own => own.Kind, KubernetesSource.TypeOf);

    /// <summary>Of a kind that has a status of ours.</summary>
    public static ResourceType<RawObject> Of(ResourceKind kind) => Types[kind];

    /// <summary>As the client names an object.</summary>
    public static ObjectKey KeyOf(ResourceKey key) => new(key.Namespace.Length > 0 ? key.Namespace : null, key.Name);
}
