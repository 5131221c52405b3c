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
        RememberedServices remembered => remembered.Services.Take(MaxKnown).Aggregate(view, (v, service) => Remember(v, service, touched)),
        Synced => ApplySynced(view, touched),
        _ => throw new ArgumentOutOfRangeException(nameof(change)),
    };

    private static IndexView ApplySynced(IndexView view, ISet<IndexKey> touched)
    {
        touched.Add(IndexKey.Mesh);
        return view.IsSynced ? view : view with { IsSynced = true, TrustDomain = view.Mesh.TrustDomain };
    }

    private static IndexView ApplyResource(IndexView view, ResourceChange change, ISet<IndexKey> touched)
    {
        var old = view.Resources.GetValueOrDefault(change.Key);
        view = view with { Resources = change.Value is { } value ? view.Resources.SetItem(change.Key, value) : view.Resources.Remove(change.Key) };
        switch (change.Key.Kind)
        {
            case ResourceKind.Service:
                return Existence(view, new ServiceKey(change.Key.Namespace, change.Key.Name), touched);
            case ResourceKind.TrafficRoute:
                return view with
                {
                    Routes = Reattach(view.Routes, ParentsOf(old), ParentsOf(change.Value), old as TrafficRouteResource, change.Value as TrafficRouteResource, touched),
                };
            case ResourceKind.TrafficPolicy:
                return view with
                {
                    Policies = Reattach(view.Policies, TargetOf(old), TargetOf(change.Value), old as TrafficPolicyResource, change.Value as TrafficPolicyResource, touched),
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

        if (!Equals(old?.Address, value?.Address))
        {
            touched.Add(IndexKey.Addresses);
            view = view with { Addresses = Count(Count(view.Addresses, old?.Address, -1), value?.Address, +1) };
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

    private static ImmutableDictionary<ServiceKey, ImmutableArray<T>> Reattach<T>(
        ImmutableDictionary<ServiceKey, ImmutableArray<T>> attached,
        IEnumerable<ServiceKey> before, IEnumerable<ServiceKey> after, T? old, T? value, ISet<IndexKey> touched)
        where T : Resource
    {
        foreach (var service in before.Distinct())
        {
            touched.Add(IndexKey.Service(service));
            var rest = attached[service].Remove(old!);
            attached = rest.IsEmpty ? attached.Remove(service) : attached.SetItem(service, rest);
        }

        foreach (var service in after.Distinct())
        {
            touched.Add(IndexKey.Service(service));
            var others = attached.GetValueOrDefault(service, []);
            attached = attached.SetItem(service, others.Add(value!).Sort(ResourceAge.OldestFirst));
        }

        return attached;
    }

    private static ImmutableDictionary<ServiceKey, ImmutableDictionary<WorkloadKey, WorkloadRegistration>> Without(
        ImmutableDictionary<ServiceKey, ImmutableDictionary<WorkloadKey, WorkloadRegistration>> workloads, ServiceKey service, WorkloadKey key)
    {
        var rest = workloads[service].Remove(key);
        return rest.IsEmpty ? workloads.Remove(service) : workloads.SetItem(service, rest);
    }

    private static ImmutableDictionary<IPEndPoint, int> Count(ImmutableDictionary<IPEndPoint, int> addresses, IPEndPoint? address, int by)
    {
        if (address is null)
        {
            return addresses;
        }

        var count = addresses.GetValueOrDefault(address) + by;
        return count > 0 ? addresses.SetItem(address, count) : addresses.Remove(address);
    }

    private static IEnumerable<ServiceKey> ParentsOf(Resource? route) =>
        route is TrafficRouteResource r ? r.Parents.Select(p => new ServiceKey(r.Key.Namespace, p.Name)) : [];

    private static IEnumerable<ServiceKey> TargetOf(Resource? policy) =>
        policy is TrafficPolicyResource p ? [new ServiceKey(p.Key.Namespace, p.Target)] : [];
}
