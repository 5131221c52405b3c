using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>A port of a workload's application, as a service of it is called there.</summary>
/// <param name="Service">The service.</param>
/// <param name="Port">The service's port.</param>
/// <param name="Target">The application's.</param>
/// <param name="Protocol">What is spoken there.</param>
public readonly record struct ServedPort(ServiceKey Service, int Port, int Target, AppProtocol Protocol);

/// <summary>Which services' ports a workload's application serves, and what it speaks on each of its own. Immutable; pure.</summary>
/// <param name="Served">By the age of the services: the first at a port names it.</param>
/// <param name="Opaque">Ports the workload itself says are bytes.</param>
public sealed record ApplicationPorts(ImmutableArray<ServedPort> Served, ImmutableArray<int> Opaque)
{
    /// <summary>Of a registered workload: what the document of its one service says.</summary>
    public static ApplicationPorts Of(IndexView view, ServiceKey service, int appPort) => new(
        [.. (view.DocumentOf(service)?.Ports ?? []).Select(p => Make(service, p, p.TargetPort ?? appPort))], []);

    /// <summary>Of a Pod: what the slices it is in say, by the names of the ports.</summary>
    public static ApplicationPorts Of(IndexView view, PodResource pod) => new(
        [
            .. from slice in view.Cluster.SlicesWithPod(pod.Key)
               let service = view.DocumentOf(slice.Service)
               where service is { ExternalName: null }
               orderby service.Origin, service.Key.Name
               from target in slice.Ports
               let port = service.Ports.FirstOrDefault(p => p.Name == target.Name)
               where port is not null
               select Make(service.Service, port, target.Port),
        ],
        pod.OpaquePorts);

    /// <summary>What one of the application's ports is to others; null: no service's.</summary>
    public ServedPort? At(int port)
    {
        foreach (var served in Served)
        {
            if (served.Target == port)
            {
                return served;
            }
        }

        return null;
    }

    /// <summary>What the application speaks on a port: as it says itself, else as its service does, else as is usual there.</summary>
    public AppProtocol ProtocolAt(int port) =>
        Opaque.Contains(port) ? AppProtocol.Tcp : At(port)?.Protocol ?? ServicePorts.ProtocolOf(AppProtocol.Detect, port, null);

    /// <summary>Every port on which plaintext is bytes, in order.</summary>
    public IEnumerable<int> AllOpaque =>
        ServicePorts.UsuallyOpaque.Concat(Served.Select(s => s.Target)).Concat(Opaque)
            .Where(port => port != 0 && ProtocolAt(port) == AppProtocol.Tcp).Distinct().Order();

    private static ServedPort Make(ServiceKey service, ServicePort port, int target) =>
        new(service, port.Port, target, ServicePorts.ProtocolOf(port.Protocol, port.Port, target));
}
