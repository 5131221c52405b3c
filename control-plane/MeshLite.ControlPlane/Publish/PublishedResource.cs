using System.Collections.Immutable;
using Google.Protobuf;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using ServiceRef = MeshLite.Model.ServiceRef;

namespace MeshLite.ControlPlane.Publish;

/// <summary>
/// One version of one resource, encoded once for all who get it. Immutable but for a memo; thread-safe.
/// </summary>
internal sealed class PublishedResource
{
    private readonly Endpoints? _endpoints;
    private volatile Delta? _lastDelta;

    /// <summary>Takes over <paramref name="compiled"/> and gives it key and version.</summary>
    /// <param name="key">Its key on the stream.</param>
    /// <param name="compiled">Its body.</param>
    /// <param name="changedAt">When the change that made this version was noticed (timestamp).</param>
    public PublishedResource(string key, CompiledResource compiled, long changedAt)
    {
        var resource = compiled.Resource;
        _endpoints = resource.Endpoints;
        (Key, EndpointSets, ChangedAt) = (key, compiled.Endpoints, changedAt);
        if (_endpoints is null)
        {
            Version = ContentHash.Of(resource);
            (resource.Key, resource.Version) = (key, Version);
            Encoded = resource.ToByteString();
        }
        else
        {
            // The mapper makes them deterministic, and there may be thousands: encoded once, for the hash and for the message, in which key and version come first.
            var body = resource.ToByteArray();
            Version = ContentHash.OfEncoded(body);
            Encoded = UnsafeByteOperations.UnsafeWrap((byte[])[.. new Resource { Key = key, Version = Version }.ToByteArray(), .. body]);
        }
    }

    /// <summary>Key on the stream.</summary>
    public string Key { get; }

    /// <summary>Content hash.</summary>
    public string Version { get; }

    /// <summary>The whole <see cref="Resource"/> message.</summary>
    public ByteString Encoded { get; }

    /// <summary>Of a destination: the endpoint sets it names.</summary>
    public ImmutableArray<ServiceRef> EndpointSets { get; }

    /// <summary>When the change that made this version was noticed (timestamp).</summary>
    public long ChangedAt { get; }

    /// <summary>The message for one who holds <paramref name="held"/>: a delta, where there can be one and it is smaller.</summary>
    public ByteString EncodedFor(PublishedResource? held)
    {
        if (held?._endpoints is not { } before || _endpoints is not { } after)
        {
            return Encoded;
        }

        // Most subscribers hold the same version, the one before: one memo serves them all.
        if (_lastDelta is not { } delta || delta.BaseVersion != held.Version)
        {
            var resource = new Resource { Key = Key, Version = Version, EndpointsDelta = EndpointDeltas.Diff(before, after, held.Version) };
            _lastDelta = delta = new Delta(held.Version, resource.ToByteString());
        }

        return delta.Encoded.Length < Encoded.Length ? delta.Encoded : Encoded;
    }

    /// <summary>Tells a holder to forget <paramref name="key"/>.</summary>
    public static ByteString EncodeAbsent(string key) => new Resource { Key = key, Absent = new Absent() }.ToByteString();

    private sealed record Delta(string BaseVersion, ByteString Encoded);
}
