using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.Kubernetes.Objects;
using MeshLite.Model;
using ServicePort = MeshLite.ControlPlane.Resources.ServicePort;
using SliceEndpoint = MeshLite.ControlPlane.Resources.Cluster.SliceEndpoint;
using SlicePort = MeshLite.ControlPlane.Resources.Cluster.SlicePort;

namespace MeshLite.ControlPlane.Sources.Kubernetes;

/// <summary>
/// Kubernetes' own objects to what the mesh goes by. The API server has checked them, and later versions of it add fields: so, unlike own
/// kinds, they are read leniently, each field that is used by itself. Pure.
/// </summary>
internal static class ClusterObjects
{
    private const string Tcp = "TCP";
    private const string SidecarContainer = "meshlite-sidecar";

    /// <summary>A Service.</summary>
    public static ServiceResource Read(Service service)
    {
        var opaque = AnnotationReader.OpaquePorts(service.Metadata);
        var isExternal = service.Spec.Type == "ExternalName";
        // "None" is a headless Service, which has no address of its own.
        ImmutableArray<IPAddress> addresses = isExternal ? [] : Addresses([service.Spec.ClusterIP ?? "", .. service.Spec.ClusterIPs ?? []]);
        return new ServiceResource
        {
            Key = new ResourceKey(ResourceKind.Service, service.Metadata.Namespace ?? "", service.Metadata.Name),
            Origin = ResourceOrigin.InCluster(service.Metadata.CreationTimestamp ?? default),
            ExternalName = isExternal ? service.Spec.ExternalName ?? "" : null,
            ClusterIps = addresses,
            Family = addresses is [var first, ..] ? first.AddressFamily : AddressFamily.InterNetwork,
            Ports =
            [
                .. (service.Spec.Ports ?? []).Where(p => p.Protocol is null or Tcp).Select(p => new ServicePort(
                    p.Name ?? "", p.Port, int.TryParse(p.TargetPort, out var target) ? target : null,
                    opaque.Contains(p.Port) ? AppProtocol.Tcp : ServiceReader.ProtocolOf(p.AppProtocol))),
            ],
        };
    }

    /// <summary>A Pod.</summary>
    public static PodResource Read(Pod pod) => new()
    {
        Key = new PodKey(pod.Metadata.Namespace ?? "", pod.Metadata.Name),
        CreatedAt = pod.Metadata.CreationTimestamp ?? default,
        ServiceAccount = pod.Spec.ServiceAccountName is { Length: > 0 } account ? account : "default",
        Addresses = pod.Status?.Phase is "Succeeded" or "Failed" ? [] : Addresses([pod.Status?.PodIP ?? "", .. (pod.Status?.PodIPs ?? []).Select(a => a.Ip)]),
        Labels = Labels(pod.Metadata),
        Injected = (pod.Spec.InitContainers ?? []).Concat(pod.Spec.Containers ?? []).Any(c => c.Name == SidecarContainer),
        HostNetwork = pod.Spec.HostNetwork,
        SkipInboundPorts = AnnotationReader.SkipInboundPorts(pod.Metadata),
        OpaquePorts = AnnotationReader.OpaquePorts(pod.Metadata),
        Mtls = AnnotationReader.Mtls(pod.Metadata),
    };

    /// <summary>A slice; null for one that belongs to no Service, or holds names instead of addresses (<c>addressType: FQDN</c>).</summary>
    public static EndpointSliceResource? Read(EndpointSlice slice)
    {
        var ns = slice.Metadata.Namespace ?? "";
        return slice.Metadata.Label(EndpointSlice.ServiceNameLabel) is { Length: > 0 } service && slice.AddressType is "IPv4" or "IPv6"
            ? new EndpointSliceResource
            {
                Key = new SliceKey(ns, slice.Metadata.Name),
                Service = new ServiceKey(ns, service),
                Family = slice.AddressType == "IPv6" ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork,
                Ports = [.. (slice.Ports ?? []).Where(p => p is { Protocol: null or Tcp, Port: > 0 }).Select(p => new SlicePort(p.Name ?? "", p.Port!.Value))],
                Endpoints = [.. (slice.Endpoints ?? []).Select(e => Read(e, ns)).OfType<SliceEndpoint>()],
            }
            : null;
    }

    /// <summary>A Namespace.</summary>
    public static NamespaceResource Read(Namespace ns) => new()
    {
        Name = ns.Metadata.Name,
        Labels = Labels(ns.Metadata),
        Annotations = AnnotationReader.Of(ns.Metadata),
        Mtls = AnnotationReader.Mtls(ns.Metadata),
    };

    // Absent conditions mean what the API says they mean: ready, serving if ready, not terminating.
    private static SliceEndpoint? Read(MeshLite.Kubernetes.Objects.SliceEndpoint endpoint, string ns)
    {
        if (endpoint.Addresses is not [var text, ..] || !IPAddress.TryParse(text, out var address))
        {
            return null;
        }

        var ready = endpoint.Conditions?.Ready ?? true;
        PodKey? pod = endpoint.TargetRef is { Kind: "Pod", Name: { Length: > 0 } name } target ? new PodKey(target.Namespace ?? ns, name) : null;
        return new SliceEndpoint(address, ready, endpoint.Conditions?.Serving ?? ready, endpoint.Conditions?.Terminating ?? false, pod);
    }

    private static ImmutableArray<IPAddress> Addresses(IEnumerable<string> texts) =>
        [.. texts.Select(text => IPAddress.TryParse(text, out var address) ? address : null).OfType<IPAddress>().Distinct()];

    private static ImmutableSortedDictionary<string, string> Labels(ObjectMeta metadata) =>
        metadata.Labels?.ToImmutableSortedDictionary(StringComparer.Ordinal) ?? ImmutableSortedDictionary<string, string>.Empty;
}
