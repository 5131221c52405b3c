using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>A valid document that has no effect, or not all of it, because of how the rest of the mesh is.</summary>
/// <param name="Key">Which document.</param>
/// <param name="Origin">Where it stands.</param>
/// <param name="Condition"><c>Accepted</c> or <c>ResolvedRefs</c>, as the Gateway API calls them: the one that is False.</param>
/// <param name="Reason">The same in one word, the Gateway API's where it has one: <c>NoMatchingParent</c>, <c>BackendNotFound</c>.</param>
/// <param name="Message">Why, in a plain sentence.</param>
public sealed record ResourceProblem(ResourceKey Key, ResourceOrigin Origin, string Condition, string Reason, string Message);

/// <summary>Finds what refers to nothing, or is outdone by something older. Pure.</summary>
public static class Diagnostics
{
    private const string Accepted = "Accepted";
    private const string ResolvedRefs = "ResolvedRefs";
    private const string Unsupported = "UnsupportedValue";
    private const string NoParent = "NoMatchingParent";
    private const string NoBackend = "BackendNotFound";

    /// <summary>All problems, in the order of age.</summary>
    public static ImmutableArray<ResourceProblem> Find(IndexView view) =>
    [
        .. view.Resources.Values.Order(ResourceAge.OldestFirst).ThenBy(r => r.Key.Kind).SelectMany(resource => Of(view, resource)),
    ];

    /// <summary>Problems of one resource that is in force.</summary>
    public static IEnumerable<ResourceProblem> Of(IndexView view, Resource resource) => resource switch
    {
        TrafficRouteResource route => ParentProblems(view, route).Concat(BackendProblems(view, route)),
        TrafficPolicyResource policy => PolicyProblems(view, policy),
        ServiceResource service => AddressProblems(view, service),
        MeshConfigResource mesh => MeshProblems(view, mesh),
        _ => [],
    };

    private static IEnumerable<ResourceProblem> ParentProblems(IndexView view, TrafficRouteResource route)
    {
        for (var i = 0; i < route.Parents.Length; i++)
        {
            var parent = route.Parents[i];
            var service = new ServiceKey(route.Key.Namespace, parent.Name);
            (string Reason, string Message)? problem = !view.Exists(service) ? (NoParent, $"Service {service} does not exist")
                : view.DocumentOf(service)?.ExternalName is not null ? (Unsupported, $"Service {service} is an ExternalName, to which routes do not apply")
                : ServicePorts.Find(view, service, parent.Port) is not { } port ? (NoParent, $"Service {service} has no port {parent.Port}")
                : parent.Port is not null && port.Protocol == AppProtocol.Tcp ? (Unsupported, $"port {parent.Port} of Service {service} is TCP, to which routes do not apply")
                : null;
            if (problem is { } found)
            {
                yield return new ResourceProblem(route.Key, route.Origin, Accepted, found.Reason, $"spec.parentRefs[{i}]: {found.Message}");
            }
        }
    }

    private static IEnumerable<ResourceProblem> BackendProblems(IndexView view, TrafficRouteResource route) =>
        route.Rules.SelectMany(BackendsOf)
            .Select(b => (b.Field, Problem: BackendProblem(view, b.Backend, route.Key.Namespace), b.Effect))
            .Where(b => b.Problem is not null)
            .Select(b => new ResourceProblem(route.Key, route.Origin, ResolvedRefs, b.Problem!.Value.Reason, $"{b.Field}: {b.Problem.Value.Message}; {b.Effect}"));

    private static IEnumerable<(string Field, BackendRef Backend, string Effect)> BackendsOf(RouteRule rule, int index)
    {
        var path = $"spec.rules[{index}]";
        for (var b = 0; b < rule.Backends.Length; b++)
        {
            yield return ($"{path}.backendRefs[{b}]", rule.Backends[b], "requests sent there fail");
        }

        if (rule.Fallback?.Backend is { } fallback)
        {
            yield return ($"{path}.fallback.backendRef", fallback, "requests that fall back on it fail");
        }

        foreach (var mirror in rule.Mirrors)
        {
            yield return ($"{path}.filters[{mirror.Filter}].requestMirror.backendRef", mirror.Backend, "no copies are sent there");
        }
    }

    private static (string Reason, string Message)? BackendProblem(IndexView view, BackendRef backend, string routeNamespace)
    {
        var service = new ServiceKey(backend.Namespace ?? routeNamespace, backend.Name);
        return !view.Exists(service) ? (NoBackend, $"Service {service} does not exist")
            : view.DocumentOf(service)?.ExternalName is not null ? ("InvalidKind", $"Service {service} is an ExternalName, which has no endpoints")
            : backend.Port is { } port && ServicePorts.Find(view, service, port) is null ? (NoBackend, $"Service {service} has no port {port}")
            : backend.Subset is { } subset && view.PolicyOf(service)?.Subsets.Any(s => s.Name == subset) != true
                ? (NoBackend, $"no TrafficPolicy of Service {service} declares the subset '{subset}'")
            : null;
    }

    private static IEnumerable<ResourceProblem> PolicyProblems(IndexView view, TrafficPolicyResource policy)
    {
        var service = new ServiceKey(policy.Key.Namespace, policy.Target);
        var inForce = view.PolicyOf(service)!;
        if (inForce.Key != policy.Key)
        {
            yield return new ResourceProblem(
                policy.Key, policy.Origin, Accepted, "Conflicted", $"spec.targetRef: Service {service} has the older {inForce.Key} ({inForce.Origin}); there is one policy for a Service");
        }
        else if (!view.Exists(service))
        {
            yield return new ResourceProblem(policy.Key, policy.Origin, Accepted, "TargetNotFound", $"spec.targetRef: Service {service} does not exist");
        }
    }

    private static IEnumerable<ResourceProblem> AddressProblems(IndexView view, ServiceResource service) =>
        from address in service.ClusterIps
        let owner = view.ClusterIps[address][0]
        where owner.Key != service.Key
        select new ResourceProblem(service.Key, service.Origin, Accepted, "Conflicted", $"spec.clusterIP: {address} is the older {owner.Key}'s ({owner.Origin})");

    private static IEnumerable<ResourceProblem> MeshProblems(IndexView view, MeshConfigResource mesh)
    {
        if (view.IsSynced && mesh.TrustDomain != view.TrustDomain)
        {
            yield return new ResourceProblem(
                mesh.Key, mesh.Origin, Accepted, Unsupported,
                $"spec.trustDomain: '{view.TrustDomain}' stays in force until the control plane restarts; under '{mesh.TrustDomain}' no certificate of the mesh would be accepted any more");
        }
    }
}
