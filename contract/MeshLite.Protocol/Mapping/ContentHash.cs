using System.Security.Cryptography;
using Google.Protobuf;
using Google.Protobuf.Collections;
using MeshLite.Protocol.V1;

namespace MeshLite.Protocol.Mapping;

/// <summary>
/// Version of a resource: the first 16 hex digits of the SHA-256 of its body as protobuf, made deterministic. The
/// bytes hashed are a <see cref="Resource"/> with nothing but the body, fields in the order of their numbers (as
/// every serializer here writes them), unknown fields after them, map entries (labels) in the ordinal order of their keys,
/// endpoints in <see cref="EndpointDeltas.Order"/>. Both sides compute it, so a receiver can check the result of a delta. Pure.
/// </summary>
public static class ContentHash
{
    private const int HashBytes = 8;

    /// <summary>Of whichever body the resource has; key and version do not count.</summary>
    /// <exception cref="ArgumentException">No whole body: none, a delta, or absent.</exception>
    public static string Of(Resource resource) => resource.BodyCase switch
    {
        Resource.BodyOneofCase.Mesh => Of(resource.Mesh),
        Resource.BodyOneofCase.Workload => Of(resource.Workload),
        Resource.BodyOneofCase.Destination => Of(resource.Destination),
        Resource.BodyOneofCase.Endpoints => Of(resource.Endpoints),
        _ => throw new ArgumentException($"{resource.BodyCase} is no whole resource", nameof(resource)),
    };

    /// <inheritdoc cref="Of(Resource)"/>
    public static string Of(Mesh mesh) => Hash(new Resource { Mesh = mesh });

    /// <inheritdoc cref="Of(Resource)"/>
    public static string Of(Workload workload) => Hash(new Resource { Workload = workload });

    /// <inheritdoc cref="Of(Resource)"/>
    public static string Of(Destination destination)
    {
        var canonical = destination.Clone();
        foreach (var backend in canonical.Backends)
        {
            Sort(backend.Labels);
        }

        return Hash(new Resource { Destination = canonical });
    }

    /// <inheritdoc cref="Of(Resource)"/>
    public static string Of(Endpoints endpoints)
    {
        // As they nearly always are: made by this library, or by the control plane.
        if (EndpointDeltas.IsOrdered(endpoints.Endpoints_) && endpoints.Endpoints_.All(e => IsSorted(e.Labels)))
        {
            return Hash(new Resource { Endpoints = endpoints });
        }

        var canonical = endpoints.Clone();
        var ordered = canonical.Endpoints_.Order(EndpointDeltas.Order).ToArray();
        canonical.Endpoints_.Clear();
        canonical.Endpoints_.AddRange(ordered);
        foreach (var endpoint in ordered)
        {
            Sort(endpoint.Labels);
        }

        return Hash(new Resource { Endpoints = canonical });
    }

    /// <summary>A <see cref="MapField{TKey, TValue}"/> is written in the order its entries were added.</summary>
    private static void Sort(MapField<string, string> labels)
    {
        if (labels.Count < 2)
        {
            return;
        }

        var ordered = labels.OrderBy(l => l.Key, StringComparer.Ordinal).ToArray();
        labels.Clear();
        foreach (var (key, value) in ordered)
        {
            labels.Add(key, value);
        }
    }

    private static bool IsSorted(MapField<string, string> labels)
    {
        if (labels.Count < 2)
        {
            return true;
        }

        string? last = null;
        foreach (var (key, _) in labels)
        {
            if (last is not null && string.CompareOrdinal(last, key) > 0)
            {
                return false;
            }

            last = key;
        }

        return true;
    }

    /// <summary>Of a body that is encoded already, and deterministic.</summary>
    public static string OfEncoded(ReadOnlySpan<byte> body)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(body, hash);
        return Convert.ToHexStringLower(hash[..HashBytes]);
    }

    private static string Hash(Resource resource) => OfEncoded(resource.ToByteArray());
}
