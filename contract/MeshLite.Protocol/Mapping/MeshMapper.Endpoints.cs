using System.Net;
using MeshLite.Model;
using Proto = MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <content>Resource <c>endpoints/&lt;ns&gt;/&lt;service&gt;:&lt;port&gt;</c>.</content>
public static partial class MeshMapper
{
    /// <summary>The service is the resource's key's. Order is made that of the contract; a second entry of one address and port is refused.</summary>
    public static EndpointSetConfig FromProto(ServiceRef service, Proto.Endpoints endpoints)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < endpoints.Endpoints_.Count; i++)
        {
            if (!seen.Add(EndpointDeltas.KeyOf(endpoints.Endpoints_[i])))
            {
                throw Field.Bad($"endpoints[{i}]", $"{EndpointDeltas.KeyOf(endpoints.Endpoints_[i])} occurs twice");
            }
        }

        return new(service, [.. endpoints.Endpoints_.Order(EndpointDeltas.Order).Select((e, i) => FromProto(e, $"endpoints[{i}]"))]);
    }

    /// <inheritdoc cref="FromProto(ServiceRef, Proto.Endpoints)"/>
    public static Proto.Endpoints ToProto(EndpointSetConfig endpoints) => new()
    {
        Endpoints_ = { endpoints.Endpoints.Select(ToProto).Order(EndpointDeltas.Order) },
    };

    /// <summary>One endpoint.</summary>
    public static Proto.Endpoint ToProto(EndpointConfig endpoint) => new()
    {
        Address = endpoint.Address.Address.ToString(),
        Port = (uint)endpoint.Address.Port,
        SpiffeId = endpoint.Identity?.ToString() ?? "",
        Workload = endpoint.Workload,
        Labels = { endpoint.Labels },
        Weight = endpoint.Weight == 1 ? 0 : (uint)endpoint.Weight,
    };

    private static EndpointConfig FromProto(Proto.Endpoint endpoint, string field) => new()
    {
        Address = new IPEndPoint(Address(endpoint.Address, $"{field}.address"), Field.Port(endpoint.Port, $"{field}.port")),
        Identity = endpoint.SpiffeId.Length == 0 ? null : Field.SpiffeId(endpoint.SpiffeId, $"{field}.spiffe_id"),
        Workload = endpoint.Workload,
        Labels = Labels(endpoint.Labels),
        Weight = Math.Max(1, Field.Weight(endpoint.Weight, $"{field}.weight")),
    };

    /// <summary>Only the canonical text: the address is part of a key, and 010.0.0.1 is not 10.0.0.1 to everyone.</summary>
    private static IPAddress Address(string value, string field) =>
        IPAddress.TryParse(value, out var address) && address.ToString() == value
            ? address : throw Field.Bad(field, $"'{value}' is no canonical IP address");
}
