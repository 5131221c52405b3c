using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;

namespace MeshLite.Cli.Wait;

/// <summary>A kind of ours as people name it, and where it is in the API.</summary>
internal sealed record OwnKind(string Kind, string Plural, string ShortName, bool IsNamespaced)
{
    /// <summary>Those that have a status.</summary>
    public static readonly OwnKind[] All =
    [
        new("TrafficRoute", "trafficroutes", "mtr", true), new("TrafficPolicy", "trafficpolicies", "mtp", true),
        new("AuthorizationPolicy", "authorizationpolicies", "mauthz", true), new("MeshConfig", "meshconfigs", "mcfg", false),
    ];

    /// <summary>For the client.</summary>
    public ResourceType<RawObject> Type => ResourceTypes.Raw("meshlite.dev", "v1alpha1", Plural, Kind, IsNamespaced);

    /// <summary>By kind, plural or short name, whatever the case, as kubectl takes them; null: none of ours.</summary>
    public static OwnKind? Find(string name) =>
        All.FirstOrDefault(k => new[] { k.Kind, k.Plural, k.ShortName }.Any(n => n.Equals(name, StringComparison.OrdinalIgnoreCase)));
}
