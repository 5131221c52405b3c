using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>What an authority means to a caller.</summary>
/// <param name="Kind">Whether it is a service.</param>
/// <param name="Service">Which, if it is one.</param>
/// <param name="Port">The port named, if any; 0 is a port nobody has.</param>
/// <param name="DependsOn">What the answer rests on, whatever it is.</param>
/// <param name="Workload">Set where it is one workload's own address.</param>
/// <param name="Address">The address, where it is one.</param>
public sealed record Resolution(
    DestinationKind Kind, ServiceKey Service, int? Port, IReadOnlyList<IndexKey> DependsOn, CapturedWorkload? Workload = null, IPAddress? Address = null);

/// <summary>
/// Names to services, as a pod's resolver would: <c>orders</c> in the caller's namespace, <c>orders.shop</c>,
/// <c>orders.shop.svc</c>, <c>orders.shop.svc.cluster.local</c>. Pure.
/// <list type="bullet">
/// <item>A name ending in <c>.svc</c> or <c>.svc.cluster.local</c> that no service has is Unknown.</item>
/// <item>So is <c>service.namespace</c> in a namespace the mesh knows, and any name a service once had: a name that was the
/// mesh's must not become a call in plaintext to somebody else.</item>
/// <item>A service that is only another name (ExternalName) is what that name is: another service, or not in the mesh.</item>
/// <item>An address is the service's that claims it (<c>clusterIP</c>), or the workload's whose TCP is captured there.</item>
/// <item>That of a Pod outside the mesh, or of a node, is not in the mesh.</item>
/// <item>Any other inside <c>clusterNetworks</c>, or at which a sidecar listens, is Unknown.</item>
/// <item>Anything else is not in the mesh.</item>
/// </list>
/// </summary>
public static class AuthorityResolver
{
    /// <summary>The cluster's DNS domain.</summary>
    public const string ClusterDomain = "cluster.local";

    // CNAMEs that resolvers follow, more or less.
    private const int MaxHops = 8;

    private const string ServiceSuffix = ".svc";
    private const string FullSuffix = ServiceSuffix + "." + ClusterDomain;

    /// <summary>Resolves <paramref name="authority"/> for a caller in <paramref name="callerNamespace"/>.</summary>
    public static Resolution Resolve(IndexView view, string authority, string callerNamespace)
    {
        if (!HostPort.TryParse(authority, out var target))
        {
            return new Resolution(DestinationKind.NotInMesh, default, null, []);
        }

        if (target.Address is not null)
        {
            return ResolveAddress(view, target);
        }

        var isFull = target.Host.EndsWith(FullSuffix, StringComparison.Ordinal);
        if (isFull || target.Host.EndsWith(ServiceSuffix, StringComparison.Ordinal))
        {
            var labels = target.Host[..^(isFull ? FullSuffix : ServiceSuffix).Length].Split('.');
            // "pod.service.namespace.svc" is a mesh's name as well, of nothing we serve.
            return labels is [var service, var ns]
                ? ResolveService(view, new ServiceKey(ns, service), target.Port, DestinationKind.Unknown)
                : new Resolution(DestinationKind.Unknown, default, target.Port, []);
        }

        return target.Host.Split('.') switch
        {
            [var service] => ResolveService(view, new ServiceKey(callerNamespace, service), target.Port, DestinationKind.NotInMesh),
            [var service, var ns] => ResolveService(
                view, new ServiceKey(ns, service), target.Port, view.KnowsNamespace(ns) ? DestinationKind.Unknown : DestinationKind.NotInMesh, IndexKey.OfNamespace(ns)),
            _ => new Resolution(DestinationKind.NotInMesh, default, target.Port, []),
        };
    }

    private static Resolution ResolveService(IndexView view, ServiceKey service, int? port, DestinationKind otherwise, params IndexKey[] dependsOn)
    {
        IndexKey[] all = [IndexKey.Service(service), .. dependsOn];
        for (var hops = 0; view.DocumentOf(service)?.ExternalName is { } other; hops++)
        {
            // As a CNAME: an absolute name. A chain that does not end is nobody's.
            if (!HostPort.TryParse(other, out var target) || !target.Host.EndsWith(FullSuffix, StringComparison.Ordinal))
            {
                return new Resolution(DestinationKind.NotInMesh, service, port, all);
            }

            if (hops == MaxHops || target.Host[..^FullSuffix.Length].Split('.') is not [var name, var ns])
            {
                return new Resolution(DestinationKind.Unknown, service, port, all);
            }

            (service, otherwise) = (new ServiceKey(ns, name), DestinationKind.Unknown);
            all = [IndexKey.Service(service), .. all];
        }

        var kind = view.Exists(service) ? DestinationKind.Service : view.Known.Contains(service) ? DestinationKind.Unknown : otherwise;
        return new Resolution(kind, service, port, all);
    }

    private static Resolution ResolveAddress(IndexView view, HostPort target)
    {
        var address = target.Address!;
        IndexKey[] dependsOn = [IndexKey.Mesh, IndexKey.OfAddress(address)];
        if (view.ServiceAt(address) is { } service)
        {
            return ResolveService(view, service, target.Port, DestinationKind.Unknown, dependsOn);
        }

        var port = target.Port ?? ServicePorts.Default;
        var captured = CapturedWorkload.At(view, address);
        if (captured?.SidecarPort == port || view.RegisteredAt(address).Any(workload => workload.Address.Port == port))
        {
            return new Resolution(DestinationKind.Unknown, default, port, dependsOn);
        }

        if (captured is not null)
        {
            dependsOn = [.. dependsOn, .. captured.DependsOn];
            return captured.UncapturedPorts.Contains(port)
                ? new Resolution(DestinationKind.NotInMesh, default, port, dependsOn)
                : new Resolution(DestinationKind.Service, captured.Service ?? default, port, dependsOn, captured, address);
        }

        var isOurs = view.Cluster.PodAt(address) is null
            && view.Mesh.ClusterNetworks.Any(network => network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address));
        return new Resolution(isOurs ? DestinationKind.Unknown : DestinationKind.NotInMesh, default, port, dependsOn);
    }
}
