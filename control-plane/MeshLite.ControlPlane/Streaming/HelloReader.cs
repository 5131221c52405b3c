using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>Whom a stream belongs to, and what it registers.</summary>
/// <param name="Identity">From its certificate.</param>
/// <param name="Workload">Its name.</param>
/// <param name="Version">Its <c>version</c> label.</param>
/// <param name="Registration">Null: it only calls others.</param>
internal sealed record StreamOwner(SpiffeId Identity, string Workload, string Version, WorkloadRegistration? Registration)
{
    /// <summary>Its labels, <c>version</c> among them.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;
}

/// <summary>
/// Reads a Hello. Namespace and service account are the certificate's: Hello has no field in which to claim others, so
/// nobody registers for a service of another namespace. Pure; throws <see cref="GrpcException"/> with what is wrong.
/// </summary>
internal static class HelloReader
{
    /// <summary>Checks and reads.</summary>
    public static StreamOwner Read(Hello hello, Caller caller)
    {
        Demand(Check.Subdomain(hello.Workload) is null, $"workload: '{hello.Workload}' is not a workload's name");
        Demand(hello.Labels.Count <= StreamLimits.MaxLabels, $"labels: {hello.Labels.Count} are too many, {StreamLimits.MaxLabels} are allowed");
        Demand(hello.Held.Count <= StreamLimits.MaxKeys, $"held: {hello.Held.Count} resources are too many, {StreamLimits.MaxKeys} are allowed");
        foreach (var (name, value) in hello.Labels)
        {
            Demand(Check.LabelKey(name) is null && Check.LabelValue(value) is null, $"labels: '{name}: {value}' is not a label");
        }

        var labels = hello.Labels.ToImmutableSortedDictionary(StringComparer.Ordinal);
        return new StreamOwner(
            caller.Id, hello.Workload, labels.GetValueOrDefault("version", ""), hello.Service.Length == 0 ? null : ReadRegistration(hello, caller, labels)) { Labels = labels };
    }

    private static WorkloadRegistration ReadRegistration(Hello hello, Caller caller, ImmutableSortedDictionary<string, string> labels)
    {
        Demand(Check.Label(hello.Service) is null, $"service: '{hello.Service}' is not a service's name");
        Demand(hello.AdvertisePort is > 0 and <= 65535, $"advertise_port: {hello.AdvertisePort} is not a port");
        Demand(hello.UncapturedPorts.Count <= StreamLimits.MaxUncapturedPorts, $"uncaptured_ports: {hello.UncapturedPorts.Count} are too many, {StreamLimits.MaxUncapturedPorts} are allowed");
        Demand(hello.FurtherAddresses.Count <= StreamLimits.MaxFurtherAddresses, $"further_addresses: {hello.FurtherAddresses.Count} are too many, {StreamLimits.MaxFurtherAddresses} are allowed");
        Demand(hello.UncapturedPorts.All(port => port is > 0 and <= 65535), "uncaptured_ports: not all are ports");
        Demand(hello.AppPort is > 0 and <= 65535, $"app_port: {hello.AppPort} is not a port");
        return new WorkloadRegistration
        {
            Key = new WorkloadKey(caller.Id.Namespace, caller.Id.ServiceAccount, hello.Workload),
            Service = hello.Service,
            Address = new IPEndPoint(ReadAddress(hello.AdvertiseAddress, "advertise_address"), (int)hello.AdvertisePort),
            FurtherAddresses = [.. hello.FurtherAddresses.Select(address => ReadAddress(address, "further_addresses")).Distinct()],
            AppPort = (int)hello.AppPort,
            Transparent = hello.Transparent,
            UncapturedPorts = [.. hello.UncapturedPorts.Distinct().Order().Select(port => (int)port)],
            Labels = labels,
            Ready = hello.Ready,
        };
    }

    private static IPAddress ReadAddress(string text, string field)
    {
        Demand(IPAddress.TryParse(text, out var address), $"{field}: '{text}' is not an address");
        address = address!.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var isReachable = !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any) && !address.Equals(IPAddress.Broadcast) && !address.IsIPv6Multicast
            && !(address.AddressFamily == AddressFamily.InterNetwork && address.GetAddressBytes()[0] is >= 224 and <= 239)
            && (address.AddressFamily == AddressFamily.InterNetwork || address.ScopeId == 0);
        Demand(isReachable, $"{field}: nobody can connect to '{text}'");
        return address;
    }

    private static void Demand(bool holds, string otherwise)
    {
        if (!holds)
        {
            throw new GrpcException(GrpcStatusCode.InvalidArgument, $"Hello: {otherwise}");
        }
    }
}
