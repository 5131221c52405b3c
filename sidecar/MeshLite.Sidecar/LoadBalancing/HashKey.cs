using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Routing;
using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>The key by which requests stay together on a <see cref="RingHashPicker{TEndpoint}"/>. Pure, allocates nothing.</summary>
internal static class HashKey
{
    /// <summary>The hash of what <paramref name="config"/> names; null where the request has no such thing, or an empty one.</summary>
    public static ulong? Of(HashKeyConfig config, IHeaderDictionary headers, IPAddress? source) => config.Type switch
    {
        HashKeyType.Header => OfHeader(headers, config.Name),
        HashKeyType.Cookie => RequestCookie.TryFind(headers.Cookie, config.Name, out var value) && !value.IsEmpty ? StableHash.Of(value) : null,
        _ => OfAddress(source),
    };

    /// <summary>Several fields of one name count as one value, in their order.</summary>
    public static ulong? OfHeader(IHeaderDictionary headers, string name)
    {
        if (!headers.TryGetValue(name, out var values) || StringValues.IsNullOrEmpty(values))
        {
            return null;
        }

        var hash = StableHash.Of(values[0]);
        for (var i = 1; i < values.Count; i++)
        {
            hash = StableHash.Mix(hash + 1) ^ StableHash.Of(values[i]);
        }

        return hash;
    }

    private static ulong? OfAddress(IPAddress? source)
    {
        if (source is null)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[16];
        source.TryWriteBytes(bytes, out var written);

        // An IPv4 caller looks like ::ffff:10.0.0.1 on a socket of both families, and is the same caller.
        return StableHash.Of(source.IsIPv4MappedToIPv6 ? bytes[12..] : bytes[..written]);
    }
}
