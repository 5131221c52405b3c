using System.Collections.Immutable;
using Google.Protobuf;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;

namespace MeshLite.Sidecar.Config;

/// <summary>
/// The resources in force, by key, whole and with their versions. Takes updates (content, also the result of a delta,
/// must have the hash that is its version), passes each on to the sink, and keeps the version before where the
/// sink refuses. Written by one thread at a time (restore, then the <see cref="ConfigStream"/> loop); others read
/// <see cref="Snapshot"/>.
/// </summary>
internal sealed class ResourceCache(IConfigSink sink)
{
    private static readonly JsonFormatter Json = new(JsonFormatter.Settings.Default.WithIndentation());

    private volatile ImmutableSortedDictionary<string, Resource> _resources =
        ImmutableSortedDictionary.Create<string, Resource>(StringComparer.Ordinal);

    // What was refused last: asked for again at each inventory, it would only be refused again.
    private readonly Dictionary<string, string> _refused = new(StringComparer.Ordinal);

    /// <summary>What is in force; its resources are not to be changed.</summary>
    public ImmutableSortedDictionary<string, Resource> Snapshot => _resources;

    /// <summary>Whether the sidecar can start to work: it knows the mesh and itself.</summary>
    public bool IsSufficient => _resources.ContainsKey(ResourceKeys.Mesh) && _resources.ContainsKey(ResourceKeys.Workload);

    /// <summary>What is held, for Hello.</summary>
    public IEnumerable<ResourceVersion> Held =>
        _resources.Values.Select(resource => new ResourceVersion { Key = resource.Key, Version = resource.Version });

    /// <summary>The configuration in force as JSON, for <c>/config</c> and the last-good file.</summary>
    public string ToJson() => Json.Format(ToUpdate());

    /// <summary>As one message, endpoints before the destinations that name them.</summary>
    public Update ToUpdate() => new() { Resources = { _resources.Values.OrderBy(resource => resource.Destination is null ? 0 : 1) } };

    /// <summary>Takes one resource. Applied, refused (the reason is returned), or to be asked for again.</summary>
    public ApplyResult Apply(Resource resource)
    {
        try
        {
            var result = resource.BodyCase switch
            {
                Resource.BodyOneofCase.EndpointsDelta => ApplyDelta(resource),
                Resource.BodyOneofCase.Absent => Remove(resource.Key),
                _ => ApplyWhole(resource),
            };
            _refused.Remove(resource.Key);
            return result;
        }
        catch (FormatException e)
        {
            _refused[resource.Key] = resource.Version;
            return ApplyResult.Rejected(e.Message);
        }
    }

    /// <summary>
    /// The keys whose version differs from what the control plane says this stream holds (but for versions refused
    /// here), and those it does not know of.
    /// </summary>
    public List<string> Differences(Inventory inventory)
    {
        var differing = new List<string>();
        foreach (var expected in inventory.Resources)
        {
            var isHeld = _resources.TryGetValue(expected.Key, out var held) && held.Version == expected.Version;
            if (!isHeld && _refused.GetValueOrDefault(expected.Key) != expected.Version)
            {
                differing.Add(expected.Key);
            }
        }

        var expectedKeys = inventory.Resources.Select(resource => resource.Key).ToHashSet(StringComparer.Ordinal);
        differing.AddRange(_resources.Keys.Where(key => !expectedKeys.Contains(key)));
        return differing;
    }

    private ApplyResult ApplyWhole(Resource resource)
    {
        if (resource.BodyCase != Resource.BodyOneofCase.None && ContentHash.Of(resource) != resource.Version)
        {
            throw new FormatException("the content does not have the hash that is its version");
        }

        switch (resource.BodyCase)
        {
            case Resource.BodyOneofCase.Mesh when resource.Key == ResourceKeys.Mesh:
                sink.SetMesh(MeshMapper.FromProto(resource.Mesh));
                break;
            case Resource.BodyOneofCase.Workload when resource.Key == ResourceKeys.Workload:
                sink.SetWorkload(MeshMapper.FromProto(resource.Workload));
                break;
            case Resource.BodyOneofCase.Destination when ResourceKeys.TryParseDestination(resource.Key, out var authority):
                sink.SetDestination(MeshMapper.FromProto(authority, resource.Destination));
                break;
            case Resource.BodyOneofCase.Endpoints when ResourceKeys.TryParseEndpoints(resource.Key, out var service):
                sink.SetEndpoints(MeshMapper.FromProto(service, resource.Endpoints));
                break;
            default:
                throw new FormatException($"'{resource.Key}' is no resource this version knows");
        }

        _resources = _resources.SetItem(resource.Key, resource);
        return ApplyResult.Applied;
    }

    private ApplyResult ApplyDelta(Resource resource)
    {
        if (!_resources.TryGetValue(resource.Key, out var held) || held.Endpoints is null || held.Version != resource.EndpointsDelta.BaseVersion)
        {
            return ApplyResult.NeedsResync;
        }

        var endpoints = EndpointDeltas.Apply(held.Endpoints, resource.EndpointsDelta);
        return ContentHash.Of(endpoints) == resource.Version
            ? ApplyWhole(new Resource { Key = resource.Key, Version = resource.Version, Endpoints = endpoints })
            : ApplyResult.NeedsResync;
    }

    private ApplyResult Remove(string key)
    {
        if (ResourceKeys.TryParseDestination(key, out var authority))
        {
            sink.RemoveDestination(authority);
        }
        else if (ResourceKeys.TryParseEndpoints(key, out var service))
        {
            sink.RemoveEndpoints(service);
        }
        else
        {
            throw new FormatException($"there is no mesh without '{key}'");
        }

        _resources = _resources.Remove(key);
        return ApplyResult.Applied;
    }
}

/// <summary>What became of a resource.</summary>
internal readonly record struct ApplyResult(bool IsApplied, string? Rejection)
{
    /// <summary>In force.</summary>
    public static readonly ApplyResult Applied = new(true, null);

    /// <summary>A delta that does not fit what is held.</summary>
    public static readonly ApplyResult NeedsResync = new(false, null);

    /// <summary>Refused; what was there stays.</summary>
    public static ApplyResult Rejected(string reason) => new(false, reason);
}
