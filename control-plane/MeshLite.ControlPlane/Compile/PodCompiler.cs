using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using MeshLite.ControlPlane.Index;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// One workload called at its own address: mTLS with that workload and no other, ready or not, and no routes (design.md §6). Its
/// endpoint set is named as Kubernetes names pods in DNS, <c>10-1-0-5.pod</c>: no service has a dot in its name. Pure.
/// </summary>
internal static class PodCompiler
{
    private const string Suffix = ".pod";

    // Names, in metrics, what serves no service: one name for all of them, and none that a service can have.
    private const string NoService = "any" + Suffix;

    /// <summary>The answer to <c>10.1.0.5:8080</c>.</summary>
    public static CompiledDestination Destination(DestinationConfig config, CapturedWorkload workload, Resolution resolution)
    {
        var port = resolution.Port!.Value;
        var endpoints = new ServiceRef(workload.Identity.Namespace, NameOf(resolution.Address!), port);
        var service = workload.Ports.At(port) is { } served ? new ServiceRef(served.Service.Namespace, served.Service.Name, served.Port)
            : workload.Service is { } any ? new ServiceRef(any.Namespace, any.Name, port)
            : new ServiceRef(workload.Identity.Namespace, NoService, port);
        return new CompiledDestination(
            config with
            {
                Service = service,
                Protocol = workload.Ports.ProtocolAt(port),
                Matches = [new RouteMatchConfig { Rule = 0 }],
                Rules = [new RouteRuleConfig { Name = DestinationCompiler.DefaultRule, Backends = [new WeightedBackendConfig(0, 1)] }],
                Backends = [new BackendConfig { Service = endpoints }],
            },
            [endpoints],
            [.. resolution.DependsOn]);
    }

    /// <summary>The one endpoint; none when nobody is there any more.</summary>
    public static EndpointSetConfig Endpoints(IndexView view, ServiceRef service, IPAddress address) =>
        new(service, CapturedWorkload.At(view, address) is { } workload && workload.Identity.Namespace == service.Namespace
            ? [new EndpointConfig { Address = new IPEndPoint(address, service.Port), Identity = workload.Identity, Workload = workload.Name, Labels = workload.Labels }]
            : []);

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
