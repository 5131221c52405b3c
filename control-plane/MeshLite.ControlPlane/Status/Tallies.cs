using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Status;

/// <summary>Which resources of ours show in which published ones. Pure.</summary>
internal static class Tallies
{
    /// <summary>Whether a resource is of a kind that has a status of ours.</summary>
    public static bool IsOurs(ResourceKey key) => key.Kind != ResourceKind.Service;

    /// <summary>Parts of the index by which a resource gets to sidecars.</summary>
    public static IEnumerable<IndexKey> KeysOf(Resource resource) => resource switch
    {
        TrafficRouteResource route => route.Parents.Select(p => IndexKey.Service(new(route.Key.Namespace, p.Name))).Distinct(),
        TrafficPolicyResource policy => [IndexKey.Service(new(policy.Key.Namespace, policy.Target))],
        AuthorizationPolicyResource policy => [IndexKey.Authorization(policy.Key.Namespace)],
        MeshConfigResource => [IndexKey.Mesh],
        _ => [],
    };

    /// <summary>The reverse: resources that get to sidecars by that part of the index.</summary>
    public static IEnumerable<ResourceKey> RestingOn(IndexView view, IndexKey key) => key.Kind switch
    {
        IndexKeyKind.Service => view.Routes.GetValueOrDefault(new(key.Namespace, key.Name), []).Select(r => r.Key)
            .Concat(view.Policies.GetValueOrDefault(new(key.Namespace, key.Name), []).Select(p => p.Key)),
        IndexKeyKind.Authorization => view.Authorizations.GetValueOrDefault(key.Namespace, []).Select(p => p.Key),
        IndexKeyKind.Mesh => view.Resources.ContainsKey(MeshConfigResource.DefaultKey) ? [MeshConfigResource.DefaultKey] : [],
        _ => [],
    };

    /// <summary>
    /// Whether a kind can show in what is published under a key: routes with callers, policies with callers and those called, authorization with those
    /// called. Endpoints come and go by themselves, and are nobody's rollout. Everything rests on MeshConfig; that <paramref name="isChange"/> of anything would
    /// count everything again: so only what changes of <c>mesh</c> does, and a MeshConfig that some are behind with is looked at again by the clock.
    /// </summary>
    public static bool Concerns(ResourceKind kind, PublishKey key, bool isChange) => kind switch
    {
        ResourceKind.TrafficRoute => key is DestinationKey,
        ResourceKind.TrafficPolicy => key is DestinationKey or OwnWorkloadKey,
        ResourceKind.AuthorizationPolicy => key is OwnWorkloadKey,
        ResourceKind.MeshConfig => key is MeshKey || (!isChange && key is DestinationKey or OwnWorkloadKey),
        _ => false,
    };
}
