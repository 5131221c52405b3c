using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// One workload called at its own address: mTLS with that workload and no other, ready or not, and no routes (design.md §6). Its
/// endpoint set is named as Kubernetes names pods in DNS, <c>10-1-0-5.pod</c>: no service has a dot in its name. Pure.
/// </summary>
internal static class PodCompiler
{
    private const string Suffix = ".pod";

    /// <summary>The answer to <c>10.1.0.5:8080</c>.</summary>
    public static CompiledDestination Destination(IndexView view, DestinationConfig config, WorkloadRegistration workload, Resolution resolution)
    {
        var port = resolution.Port!.Value;
        var address = HostPort.TryParse(config.Authority, out var called) && called.Address is { } own ? own : workload.Address.Address;
        var endpoints = new ServiceRef(workload.Key.Namespace, NameOf(address), port);
        var (servicePort, protocol) = ServicePorts.AtApplication(view, workload.ServiceKey, port, workload.AppPort);
        return new CompiledDestination(
            config with
            {
                Service = new ServiceRef(workload.Key.Namespace, workload.Service, servicePort),
                Protocol = protocol,
                Matches = [new RouteMatchConfig { Rule = 0 }],
                Rules = [new RouteRuleConfig { Name = DestinationCompiler.DefaultRule, Backends = [new WeightedBackendConfig(0, 1)] }],
                Backends = [new BackendConfig { Service = endpoints }],
            },
            [endpoints],
            [.. resolution.DependsOn]);
    }

    /// <summary>The one endpoint; none when nobody is registered there any more.</summary>
    public static EndpointSetConfig Endpoints(IndexView view, ServiceRef service, IPAddress address)
    {
        var workload = view.RegisteredAt(address).FirstOrDefault(w => w.Transparent && w.Key.Namespace == service.Namespace);
        return new EndpointSetConfig(service, workload is null ? [] : [EndpointCompiler.MakeEndpoint(view, workload, new IPEndPoint(address, service.Port))]);
    }

    /// <summary>The address in the name of such an endpoint set.</summary>
    public static bool TryParse(string name, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (!name.EndsWith(Suffix, StringComparison.Ordinal))
        {
            return false;
        }

        var dashed = name[..^Suffix.Length];
        var isV4 = dashed.Split('-') is { Length: 4 } parts && parts.All(part => byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out _));
        return IPAddress.TryParse(dashed.Replace('-', isV4 ? '.' : ':'), out address) && NameOf(address) == name;
    }

    private static string NameOf(IPAddress address) => address.ToString().Replace('.', '-').Replace(':', '-') + Suffix;
}
