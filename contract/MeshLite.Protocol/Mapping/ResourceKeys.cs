using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using MeshLite.Model;

namespace MeshLite.Protocol.Mapping;

/// <summary>Keys of resources on the stream, as <c>resources.proto</c> lists them. Pure.</summary>
public static class ResourceKeys
{
    /// <summary>Settings of the mesh.</summary>
    public const string Mesh = "mesh";

    /// <summary>The receiving sidecar's own workload.</summary>
    public const string Workload = "workload";

    private const string DestinationPrefix = "destination/";
    private const string EndpointsPrefix = "endpoints/";

    /// <summary>Key of the answer to a subscription.</summary>
    public static string Destination(string authority) => DestinationPrefix + authority;

    /// <summary>Key of the endpoints of one port of a service.</summary>
    public static string Endpoints(ServiceRef service) => EndpointsPrefix + service;

    /// <summary>The authority of a <c>destination/</c> key.</summary>
    public static bool TryParseDestination(string key, [NotNullWhen(true)] out string? authority)
    {
        authority = key.StartsWith(DestinationPrefix, StringComparison.Ordinal) ? key[DestinationPrefix.Length..] : null;
        return authority is { Length: > 0 };
    }

    /// <summary>The service's port of an <c>endpoints/</c> key.</summary>
    public static bool TryParseEndpoints(string key, out ServiceRef service)
    {
        service = default;
        if (!key.StartsWith(EndpointsPrefix, StringComparison.Ordinal)
            || key[EndpointsPrefix.Length..].Split('/') is not [var ns, var rest]
            || rest.Split(':') is not [var name, var portText]
            || !ushort.TryParse(portText, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port == 0
            || !SpiffeId.IsSegment(ns) || !SpiffeId.IsSegment(name))
        {
            return false;
        }

        service = new(ns, name, port);
        return key == Endpoints(service);
    }
}
