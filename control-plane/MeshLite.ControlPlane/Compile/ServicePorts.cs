using System.Collections.Frozen;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>A port of a service that callers may use.</summary>
/// <param name="Called">The port callers name; routes attach by it.</param>
/// <param name="Port">The service's port, which names its endpoints.</param>
/// <param name="Name">Its name, by which slices know it; empty: it has none.</param>
/// <param name="TargetPort">Of registered workloads only those with this application port serve it; null: all.</param>
/// <param name="Protocol">What the application speaks there.</param>
public readonly record struct ResolvedPort(int Called, int Port, string Name, int? TargetPort, AppProtocol Protocol);

/// <summary>
/// Ports of services. A service with a document has the ports of the document. One that exists only because workloads
/// registered for it answers on whatever port is named, as its port 80. One that is only another name (ExternalName) has none. Pure.
/// </summary>
public static class ServicePorts
{
    /// <summary>Port of an authority that names none, and of services without a document.</summary>
    public const int Default = 80;

    // Protocols in which the server speaks first, so that waiting for the first bytes would stall them.
    internal static readonly FrozenSet<int> UsuallyOpaque = FrozenSet.Create(25, 587, 3306, 4444, 5432, 6379, 9300, 11211);

    /// <summary>The port an authority means. Null: the service has no such port.</summary>
    public static ResolvedPort? Find(IndexView view, ServiceKey service, int? named)
    {
        if (view.DocumentOf(service) is not { } document)
        {
            return named == 0 ? null : new ResolvedPort(named ?? Default, Default, "", null, ProtocolOf(AppProtocol.Detect, named ?? Default, null));
        }

        if (document.ExternalName is not null)
        {
            return null;
        }

        var port = named is { } number
            ? document.Ports.FirstOrDefault(p => p.Port == number)
            : document.Ports.FirstOrDefault(p => p.Port == Default) ?? document.Ports.FirstOrDefault();
        return port is null ? null : new ResolvedPort(port.Port, port.Port, port.Name, port.TargetPort, ProtocolOf(port.Protocol, port.Port, port.TargetPort));
    }

    /// <summary>The port a backend means: the one it names; else the one that was called, if it has that; else its default.</summary>
    public static ResolvedPort? FindBackend(IndexView view, ServiceKey service, int? named, int called) =>
        named is not null ? Find(view, service, named) : Find(view, service, called) ?? Find(view, service, null);

    /// <summary>What is spoken on a port of which <paramref name="declared"/> is said: where nothing is, some port numbers say it.</summary>
    internal static AppProtocol ProtocolOf(AppProtocol declared, int port, int? target) =>
        declared == AppProtocol.Detect && (UsuallyOpaque.Contains(port) || (target is { } t && UsuallyOpaque.Contains(t))) ? AppProtocol.Tcp : declared;
}
