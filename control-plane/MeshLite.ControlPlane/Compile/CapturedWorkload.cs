using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// A workload whose TCP is captured at its own address: one that registered so, or an injected Pod. What the rest of the compiler
/// asks of either. Immutable.
/// </summary>
public sealed record CapturedWorkload
{
    /// <summary>Whom it must prove to be.</summary>
    public required SpiffeId Identity { get; init; }

    /// <summary>Name of the instance.</summary>
    public required string Name { get; init; }

    /// <summary>Labels, for subsets.</summary>
    public required ImmutableSortedDictionary<string, string> Labels { get; init; }

    /// <summary>Where its sidecar listens: nobody's to call.</summary>
    public required int SidecarPort { get; init; }

    /// <summary>Called in plaintext.</summary>
    public required ImmutableArray<int> UncapturedPorts { get; init; }

    /// <summary>Its application's ports.</summary>
    public required ApplicationPorts Ports { get; init; }

    /// <summary>The service it is counted under, where a port is no service's; null: it serves none.</summary>
    public required ServiceKey? Service { get; init; }

    /// <summary>What all this rests on, but for the address.</summary>
    public required ImmutableArray<IndexKey> DependsOn { get; init; }

    /// <summary>Who is captured at an address; null: nobody.</summary>
    public static CapturedWorkload? At(IndexView view, IPAddress address)
    {
        if (view.RegisteredAt(address).FirstOrDefault(w => w.Transparent) is { } workload)
        {
            return new CapturedWorkload
            {
                Identity = new SpiffeId(view.TrustDomain, workload.Key.Namespace, workload.Key.ServiceAccount),
                Name = workload.Key.Name,
                Labels = workload.Labels,
                SidecarPort = workload.Address.Port,
                UncapturedPorts = workload.UncapturedPorts,
                Ports = ApplicationPorts.Of(view, workload.ServiceKey, workload.AppPort),
                Service = workload.ServiceKey,
                DependsOn = [IndexKey.Service(workload.ServiceKey)],
            };
        }

        if (view.Cluster.PodAt(address) is not { InMesh: true } pod)
        {
            return null;
        }

        var ports = ApplicationPorts.Of(view, pod);
        return new CapturedWorkload
        {
            Identity = new SpiffeId(view.TrustDomain, pod.Key.Namespace, pod.ServiceAccount),
            Name = pod.Key.Name,
            Labels = pod.Labels,
            SidecarPort = Resources.Cluster.PodResource.SidecarPort,
            UncapturedPorts = [.. pod.UncapturedPorts],
            Ports = ports,
            Service = ports.Served is [var first, ..] ? first.Service : null,
            DependsOn = [IndexKey.OfPod(pod.Key), .. view.Cluster.SlicesWithPod(pod.Key).Select(slice => IndexKey.Service(slice.Service))],
        };
    }
}
