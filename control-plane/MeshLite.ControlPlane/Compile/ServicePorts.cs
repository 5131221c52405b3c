using System.Collections.Frozen;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>A port of a service that callers may use.</summary>
/// <param name="Called">The port callers name; routes attach by it.</param>
/// <param name="Port">The service's port, which names its endpoints.</param>
/// <param name="TargetPort">Only workloads with this application port serve it; null: all.</param>
/// <param name="Protocol">What the application speaks there.</param>
public readonly record struct ResolvedPort(int Called, int Port, int? TargetPort, AppProtocol Protocol);

/// <summary>
/// Ports of services. A service with a document has the ports of the document. One that exists only because workloads
/// registered for it answers on whatever port is named, as its port 80. Pure.
/// </summary>
public static class ServicePorts
{
    /// <summary>Port of an authority that names none, and of services without a document.</summary>
    public const int Default = 80;

    // Protocols in which the server speaks first, so that waiting for the first bytes would stall them.
    private static readonly FrozenSet<int> OpaquePorts = FrozenSet.Create(25, 587, 3306, 4444, 5432, 6379, 9300, 11211);

    /// <summary>The port an authority means. Null: the service has no such port.</summary>
    public static ResolvedPort? Find(IndexView view, ServiceKey service, int? named)
    {
        if (view.DocumentOf(service) is not { } document)
        {
            return named == 0 ? null : new ResolvedPort(named ?? Default, Default, null, ProtocolOf(AppProtocol.Detect, named ?? Default, null));
        }

        var port = named is { } number
            ? document.Ports.FirstOrDefault(p => p.Port == number)
            : document.Ports.FirstOrDefault(p => p.Port == Default) ?? document.Ports[0];
        return port is null ? null : new ResolvedPort(port.Port, port.Port, port.TargetPort, ProtocolOf(port.Protocol, port.Port, port.TargetPort));
    }

    /// <summary>The port a backend means: the one it names; else the one that was called, if it has that; else its default.</summary>
    public static ResolvedPort? FindBackend(IndexView view, ServiceKey service, int? named, int called) =>
        named is not null ? Find(view, service, named) : Find(view, service, called) ?? Find(view, service, null);

    /// <summary>What a port of a workload's application is called at, and what it speaks: by the service's document, else as it is.</summary>
    public static (int Port, AppProtocol Protocol) AtApplication(IndexView view, ServiceKey service, int port, int appPort) =>
        view.DocumentOf(service)?.Ports.FirstOrDefault(p => (p.TargetPort ?? appPort) == port) is { } declared
            ? (declared.Port, ProtocolOf(declared.Protocol, declared.Port, declared.TargetPort ?? port))
            : (port, ProtocolOf(AppProtocol.Detect, port, null));

    /// <summary>Ports of a workload's application on which plaintext is bytes: the well-known ones, and what its service's document says.</summary>
    public static IEnumerable<int> OpaqueAtApplication(IndexView view, ServiceKey service, int appPort) =>
        OpaquePorts.Concat(view.DocumentOf(service)?.Ports.Select(p => p.TargetPort ?? appPort) ?? [])
            .Where(port => port != 0 && AtApplication(view, service, port, appPort).Protocol == AppProtocol.Tcp).Distinct().Order();

    private static AppProtocol ProtocolOf(AppProtocol declared, int port, int? target) =>
        declared == AppProtocol.Detect && (OpaquePorts.Contains(port) || (target is { } t && OpaquePorts.Contains(t))) ? AppProtocol.Tcp : declared;
}
