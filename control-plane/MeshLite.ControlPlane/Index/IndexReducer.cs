using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;

namespace MeshLite.ControlPlane.Index;

/// <summary>One change to a view: the next view, and what it touched. Pure.</summary>
public static class IndexReducer
{
    /// <summary>
    /// Most names of vanished services remembered; beyond it a service that vanishes is forgotten. <value>10,000.</value>
    /// </summary>
    public const int MaxKnown = 10_000;

    /// <summary>Applies <paramref name="change"/>, adding what it touched to <paramref name="touched"/>.</summary>
    public static IndexView Apply(IndexView view, IndexChange change, ISet<IndexKey> touched) => change switch
    {
        ResourceChange resource => ApplyResource(view, resource, touched),
        WorkloadChange workload => ApplyWorkload(view, workload, touched),
        RefusalChange refusal => ApplyRefusal(view, refusal, touched),
        PodChange pod => view with { Cluster = ClusterReducer.Apply(view.Cluster, pod, touched) },
        SliceChange slice => view with { Cluster = ClusterReducer.Apply(view.Cluster, slice, touched) },
        NamespaceChange ns => view with { Cluster = ClusterReducer.Apply(view.Cluster, ns, touched) },
        RememberedServices remembered => remembered.Services.Take(MaxKnown).Aggregate(view, (v, service) => Remember(v, service, touched)),
        AuthorityChange authority => ApplyAuthority(view, authority.Value, touched),
        Synced => ApplySynced(view, touched),
        _ => throw new ArgumentOutOfRangeException(nameof(change)),
    };

    private static IndexView ApplySynced(IndexView view, ISet<IndexKey> touched)
    {
        touched.Add(IndexKey.Mesh);
        return view.IsSynced ? view : view with { IsSynced = true, TrustDomain = view.Mesh.TrustDomain };
    }

    private static IndexView ApplyAuthority(IndexView view, MeshAuthority value, ISet<IndexKey> touched)
    {
        touched.Add(IndexKey.Authority);
        return view with { Authority = value };
    }

    private static IndexView ApplyRefusal(IndexView view, RefusalChange change, ISet<IndexKey> touched)
    {
        if (change.Value is null && !view.Refusals.ContainsKey(change.Key))
        {
            return view;
        }

        touched.Add(IndexKey.OfRefusal(change.Key));
        return view with { Refusals = change.Value is { } value ? view.Refusals.SetItem(change.Key, value) : view.Refusals.Remove(change.Key) };
    }

    private static IndexView ApplyResource(IndexView view, ResourceChange change, ISet<IndexKey> touched)
    {
        var old = view.Resources.GetValueOrDefault(change.Key);
        if (change.Value is ServiceResource service && service.SameAs(old as ServiceResource))
        {
            return view;
        }

        view = view with { Resources = change.Value is { } value ? view.Resources.SetItem(change.Key, value) : view.Resources.Remove(change.Key) };
        switch (change.Key.Kind)
        {
            case ResourceKind.Service:
                view = view with
                {
                    ClusterIps = Reattach(
                        view.ClusterIps, ClusterIpsOf(old), ClusterIpsOf(change.Value), old as ServiceResource, change.Value as ServiceResource, IndexKey.OfAddress, touched),
                };
                return Existence(view, new ServiceKey(change.Key.Namespace, change.Key.Name), touched);
            case ResourceKind.TrafficRoute:
                return view with
                {
                    Routes = Reattach(view.Routes, ParentsOf(old), ParentsOf(change.Value), old as TrafficRouteResource, change.Value as TrafficRouteResource, IndexKey.Service, touched),
                };
            case ResourceKind.TrafficPolicy:
                return view with
                {
                    Policies = Reattach(view.Policies, TargetOf(old), TargetOf(change.Value), old as TrafficPolicyResource, change.Value as TrafficPolicyResource, IndexKey.Service, touched),
                };
            case ResourceKind.AuthorizationPolicy:
                return view with
                {
                    Authorizations = Reattach(
                        view.Authorizations, NamespaceOf(old), NamespaceOf(change.Value), old as AuthorizationPolicyResource, change.Value as AuthorizationPolicyResource, IndexKey.Authorization, touched),
                };
            default:
                touched.Add(IndexKey.Mesh);
                return view;
        }
    }

    private static IndexView ApplyWorkload(IndexView view, WorkloadChange change, ISet<IndexKey> touched)
    {
        var old = view.ServiceOf.TryGetValue(change.Key, out var oldService) ? view.Workloads[oldService][change.Key] : null;
        var value = change.Value;
        if (old is not null && old.ServiceKey != value?.ServiceKey)
        {
            view = view with { ServiceOf = view.ServiceOf.Remove(change.Key), Workloads = Without(view.Workloads, oldService, change.Key) };
            touched.Add(IndexKey.Workloads(oldService));
            view = Existence(view, oldService, touched);
        }

        if (value is not null)
        {
            var service = value.ServiceKey;
            var isNew = !view.Workloads.TryGetValue(service, out var workloads);
            view = view with
            {
                ServiceOf = view.ServiceOf.SetItem(change.Key, service),
                Workloads = view.Workloads.SetItem(service, (workloads ?? ImmutableDictionary<WorkloadKey, WorkloadRegistration>.Empty).SetItem(change.Key, value)),
            };
            touched.Add(IndexKey.Workloads(service));
            view = isNew ? Existence(view, service, touched) : view;
        }

        IPAddress[] before = [.. old?.Addresses ?? []], after = [.. value?.Addresses ?? []];
        if (!before.SequenceEqual(after) || !Equals(old?.Address, value?.Address) || old?.Transparent != value?.Transparent || old?.Sequence != value?.Sequence)
        {
            touched.UnionWith(before.Concat(after).Select(IndexKey.OfAddress));
            view = view with { WorkloadsAt = Move(view.WorkloadsAt, change.Key, before, after) };
        }

        return view;
    }

    /// <summary>A service may have come or gone.</summary>
    private static IndexView Existence(IndexView view, ServiceKey service, ISet<IndexKey> touched)
    {
        touched.Add(IndexKey.Service(service));
        touched.Add(IndexKey.Workloads(service));
        if (view.Exists(service))
        {
            return Remember(view, service, touched);
        }

        return view.Known.Count > MaxKnown ? view with { Known = view.Known.Remove(service) } : view;
    }

    private static IndexView Remember(IndexView view, ServiceKey service, ISet<IndexKey> touched)
    {
        if (view.Known.Contains(service))
        {
            return view;
        }

        touched.Add(IndexKey.Service(service));
        if (!view.Namespaces.Contains(service.Namespace))
        {
            touched.Add(IndexKey.OfNamespace(service.Namespace));
        }

        return view with { Known = view.Known.Add(service), Namespaces = view.Namespaces.Add(service.Namespace) };
    }

    private static ImmutableDictionary<TKey, ImmutableArray<T>> Reattach<TKey, T>(
        ImmutableDictionary<TKey, ImmutableArray<T>> attached,
        IEnumerable<TKey> before, IEnumerable<TKey> after, T? old, T? value, Func<TKey, IndexKey> keyOf, ISet<IndexKey> touched)
        where TKey : notnull
        where T : Resource
    {
        foreach (var to in before.Distinct())
        {
            touched.Add(keyOf(to));
            var rest = attached[to].Remove(old!);
            attached = rest.IsEmpty ? attached.Remove(to) : attached.SetItem(to, rest);
        }

        foreach (var to in after.Distinct())
        {
            touched.Add(keyOf(to));
            var others = attached.GetValueOrDefault(to, []);
            attached = attached.SetItem(to, others.Add(value!).Sort(ResourceAge.OldestFirst));
        }

        return attached;
    }

    private static ImmutableDictionary<ServiceKey, ImmutableDictionary<WorkloadKey, WorkloadRegistration>> Without(
        ImmutableDictionary<ServiceKey, ImmutableDictionary<WorkloadKey, WorkloadRegistration>> workloads, ServiceKey service, WorkloadKey key)
    {
        var rest = workloads[service].Remove(key);
        return rest.IsEmpty ? workloads.Remove(service) : workloads.SetItem(service, rest);
    }

    private static ImmutableDictionary<IPAddress, ImmutableHashSet<WorkloadKey>> Move(
        ImmutableDictionary<IPAddress, ImmutableHashSet<WorkloadKey>> workloads, WorkloadKey key, IPAddress[] before, IPAddress[] after)
    {
        foreach (var from in before.Distinct())
        {
            var rest = workloads[from].Remove(key);
            workloads = rest.IsEmpty ? workloads.Remove(from) : workloads.SetItem(from, rest);
        }

        return after.Aggregate(workloads, (moved, to) => moved.SetItem(to, moved.GetValueOrDefault(to, []).Add(key)));
    }

    private static IEnumerable<IPAddress> ClusterIpsOf(Resource? service) => service is ServiceResource s ? s.ClusterIps : [];

    private static IEnumerable<ServiceKey> ParentsOf(Resource? route) =>
        route is TrafficRouteResource r ? r.Parents.Select(p => new ServiceKey(r.Key.Namespace, p.Name)) : [];

    private static IEnumerable<string> NamespaceOf(Resource? policy) => policy is AuthorizationPolicyResource ? [policy.Key.Namespace] : [];

    private static IEnumerable<ServiceKey> TargetOf(Resource? policy) =>
        policy is TrafficPolicyResource p ? [new ServiceKey(p.Key.Namespace, p.Target)] : [];
}
