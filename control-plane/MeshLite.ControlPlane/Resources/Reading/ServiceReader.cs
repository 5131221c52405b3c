using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Compile;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>
/// Reads <see cref="ServiceResource"/>. Of Kubernetes' fields those that say nothing standalone (<c>selector</c>,
/// and <c>type</c> and <c>protocol</c> at their defaults) are allowed, so that the same file serves both. Pure.
/// </summary>
internal static class ServiceReader
{
    private const int MaxPorts = 64;
    private const int MaxClusterIps = 2;
    private const string Headless = "None";

    // https://kubernetes.io/docs/concepts/services-networking/service/#application-protocol, and the names Istio users write.
    private static readonly HashSet<string> HttpProtocols = new(StringComparer.OrdinalIgnoreCase)
    {
        "http", "http2", "h2c", "grpc", "grpc-web", "ws", "kubernetes.io/h2c", "kubernetes.io/ws",
    };

    /// <summary>Reads what follows the metadata.</summary>
    public static Resource? Read(FieldReader document, ResourceHead head) =>
        document.RequiredObject("spec", spec =>
        {
            spec.Labels("selector", Check.LabelKey, Check.LabelValue);
            spec.OneOf("type", "ClusterIP");
            var addresses = ReadClusterIps(spec);
            var ports = spec.Objects("ports", 1, MaxPorts, ReadPort);
            CheckUnique(spec, ports);
            return new ServiceResource { Key = head.Key, Origin = head.Origin, Ports = ports, ClusterIps = addresses };
        });

    // "None" is a headless service, which has no address of its own; the API server repeats clusterIP as the first of clusterIPs.
    private static ImmutableArray<IPAddress> ReadClusterIps(FieldReader spec)
    {
        string?[] texts = [spec.Text("clusterIP", ClusterIp), .. spec.Texts("clusterIPs", MaxClusterIps, ClusterIp)];
        return [.. texts.Where(text => text is not (null or "" or Headless) && ClusterIp(text) is null).Select(text => IPAddress.Parse(text!)).Distinct()];
    }

    private static string? ClusterIp(string value)
    {
        var host = value.Contains(':', StringComparison.Ordinal) ? $"[{value}]" : value;
        return value is "" or Headless || (HostPort.TryParse(host, out var parsed) && parsed is { Address: not null, Port: null }) ? null : "must be an IP address, or None";
    }

    private static ServicePort ReadPort(FieldReader port)
    {
        var name = port.Text("name", Check.Label) ?? "";
        port.RequireField("port");
        var number = port.Integer("port", 1, 65535) ?? 0;
        var target = port.Integer("targetPort", 1, 65535);
        port.OneOf("protocol", "TCP");
        return new ServicePort(name, number, target, ProtocolOf(port.Text("appProtocol", Protocol)));
    }

    private static void CheckUnique(FieldReader spec, ImmutableArray<ServicePort> ports)
    {
        foreach (var port in ports.GroupBy(p => p.Port).Where(g => g.Count() > 1))
        {
            spec.Error("ports", $"port {port.Key} is given twice");
        }

        foreach (var name in ports.GroupBy(p => p.Name).Where(g => g.Count() > 1))
        {
            spec.Error("ports", name.Key.Length == 0 ? "of several ports each needs a name" : $"the name '{name.Key}' is given twice");
        }
    }

    private static string? Protocol(string value) => value.Length is > 0 and <= 253 ? null : "must have 1 to 253 characters";

    /// <summary>
    /// Unprefixed names are IANA service names: what is not HTTP there is bytes to the mesh (<c>redis</c>, <c>https</c>). A prefix the
    /// mesh does not know leaves it to the first bytes.
    /// </summary>
    internal static AppProtocol ProtocolOf(string? name) =>
        name is null ? AppProtocol.Detect
        : HttpProtocols.Contains(name) ? AppProtocol.Http
        : name.Contains('/', StringComparison.Ordinal) && name != "kubernetes.io/wss" ? AppProtocol.Detect
        : AppProtocol.Tcp;
}
