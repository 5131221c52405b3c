using System.Collections.Immutable;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;

namespace MeshLite.ControlPlane.Index;

/// <summary>
/// One change of a Pod, EndpointSlice or Namespace: the next view, and exactly what it touched. A flip of an endpoint's readiness
/// touches the endpoints of its Service and nothing else; what the mesh does not go by touches nothing. Pure; part of <see cref="IndexReducer"/>.
/// </summary>
internal static class ClusterReducer
{
    /// <summary>A Pod: its own key, its addresses, and the endpoints of the Services it serves.</summary>
    public static ClusterView Apply(ClusterView view, PodChange change, ISet<IndexKey> touched)
    {
        var old = view.Pods.GetValueOrDefault(change.Key);
        if (change.Value is null ? old is null : change.Value.SameAs(old))
        {
            return view;
        }

        touched.Add(IndexKey.OfPod(change.Key));
        touched.UnionWith(view.SlicesWithPod(change.Key).Select(slice => IndexKey.Workloads(slice.Service)));
        var (before, after) = (old?.Addresses ?? [], change.Value?.Addresses ?? []);
        touched.UnionWith(before.Concat(after).Select(IndexKey.OfAddress));
        return view with
        {
            Pods = change.Value is { } value ? view.Pods.SetItem(change.Key, value) : view.Pods.Remove(change.Key),
            PodsAt = Move(view.PodsAt, change.Key, before, after),
        };
    }

    /// <summary>A slice: the endpoints of its Service, and those Pods that serve other ports, or other Services, than before.</summary>
    public static ClusterView Apply(ClusterView view, SliceChange change, ISet<IndexKey> touched)
    {
        var (old, value) = (view.Slices.GetValueOrDefault(change.Key), change.Value);
        if (value is null ? old is null : value.SameAs(old))
        {
            return view;
        }

        foreach (var slice in new[] { old, value }.OfType<EndpointSliceResource>())
        {
            touched.Add(IndexKey.Workloads(slice.Service));
        }

        view = view with
        {
            Slices = value is null ? view.Slices.Remove(change.Key) : view.Slices.SetItem(change.Key, value),
            SlicesOf = Move(view.SlicesOf, change.Key, old is null ? [] : [old.Service], value is null ? [] : [value.Service]),
        };
        var hasSamePorts = old is not null && value is not null && value.HasSamePorts(old);
        if (hasSamePorts && value!.HasSamePods(old!))
        {
            return view;
        }

        var (before, after) = (old?.Pods.ToHashSet() ?? [], value?.Pods.ToHashSet() ?? []);
        touched.UnionWith(before.Union(after).Where(pod => !hasSamePorts || before.Contains(pod) != after.Contains(pod)).Select(IndexKey.OfPod));
        return view with { SlicesWith = Move(view.SlicesWith, change.Key, before.Except(after), after.Except(before)) };
    }

    /// <summary>A Namespace.</summary>
    public static ClusterView Apply(ClusterView view, NamespaceChange change, ISet<IndexKey> touched)
    {
        var old = view.Namespaces.GetValueOrDefault(change.Name);
        if (change.Value is null ? old is null : change.Value.SameAs(old))
        {
            return view;
        }

        touched.Add(IndexKey.OfNamespace(change.Name));
        return view with { Namespaces = change.Value is { } value ? view.Namespaces.SetItem(change.Name, value) : view.Namespaces.Remove(change.Name) };
    }

    private static ImmutableDictionary<TKey, ImmutableHashSet<T>> Move<TKey, T>(
        ImmutableDictionary<TKey, ImmutableHashSet<T>> map, T item, IEnumerable<TKey> from, IEnumerable<TKey> to)
        where TKey : notnull
    {
        var result = map.ToBuilder();
        foreach (var key in from.Distinct())
        {
            var rest = result[key].Remove(item);
            if (rest.IsEmpty)
            {
                result.Remove(key);
            }
            else
            {
                result[key] = rest;
            }
        }

        foreach (var key in to.Distinct())
        {
            result[key] = result.GetValueOrDefault(key, []).Add(item);
        }

        return result.ToImmutable();
    }
}
