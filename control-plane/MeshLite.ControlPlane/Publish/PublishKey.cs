using System.Collections.Immutable;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using ServiceRef = MeshLite.Model.ServiceRef;

namespace MeshLite.ControlPlane.Publish;

/// <summary>
/// Something that is published: which resource it is on the stream, and how it is compiled. Two streams that want equal keys
/// share one compiled and encoded resource. Immutable.
/// </summary>
internal abstract record PublishKey
{
    /// <summary>Its key on the stream.</summary>
    public abstract string ResourceKey { get; }

    /// <summary>Compiles it from a view.</summary>
    public abstract CompiledResource Compile(IndexView view);
}

/// <summary>Resource <c>mesh</c>.</summary>
internal sealed record MeshKey : PublishKey
{
    /// <inheritdoc/>
    public override string ResourceKey => ResourceKeys.Mesh;

    /// <inheritdoc/>
    public override CompiledResource Compile(IndexView view) =>
        new(new Resource { Mesh = MeshMapper.ToProto(MeshCompiler.Compile(view)) }, [], [IndexKey.Mesh, IndexKey.Authority]);
}

/// <summary>Resource <c>workload</c> of the sidecar that holds <paramref name="Identity"/>.</summary>
internal abstract record OwnWorkloadKey(SpiffeId Identity) : PublishKey
{
    /// <inheritdoc/>
    public override string ResourceKey => ResourceKeys.Workload;
}

/// <summary>That of a registered workload, by what its sidecar says.</summary>
internal sealed record WorkloadPublishKey(SpiffeId Identity, string Workload, string Service, string Version, int AppPort = 0) : OwnWorkloadKey(Identity)
{
    /// <summary>All its labels; compared by reference.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <inheritdoc/>
    public override CompiledResource Compile(IndexView view) => new(
        new Resource { Workload = MeshMapper.ToProto(MeshCompiler.Compile(view, Identity, Workload, Service, Version, AppPort, Labels)) },
        [], [IndexKey.Mesh, IndexKey.Service(new(Identity.Namespace, Service)), IndexKey.Authorization(Identity.Namespace)]);
}

/// <summary>That of a Pod, by what the cluster says.</summary>
internal sealed record PodPublishKey(SpiffeId Identity, string Pod) : OwnWorkloadKey(Identity)
{
    /// <inheritdoc/>
    public override CompiledResource Compile(IndexView view)
    {
        var pod = new PodKey(Identity.Namespace, Pod);
        return new(new Resource { Workload = MeshMapper.ToProto(MeshCompiler.Compile(view, Identity, pod)) }, [], MeshCompiler.DependsOn(view, pod));
    }
}

/// <summary>Resource <c>destination/&lt;authority&gt;</c>, as callers of one namespace see it.</summary>
internal sealed record DestinationKey(string Authority, string Namespace) : PublishKey
{
    /// <inheritdoc/>
    public override string ResourceKey => ResourceKeys.Destination(Authority);

    /// <summary>The key, shared between namespaces where the authority means the same everywhere.</summary>
    public static DestinationKey Of(string authority, string callerNamespace) =>
        new(authority, HostPort.TryParse(authority, out var target) && !target.Host.Contains('.') && target.Address is null ? callerNamespace : "");

    /// <inheritdoc/>
    public override CompiledResource Compile(IndexView view)
    {
        var compiled = DestinationCompiler.Compile(view, Authority, Namespace);
        return new(new Resource { Destination = MeshMapper.ToProto(compiled.Config) }, compiled.Endpoints, compiled.DependsOn);
    }
}

/// <summary>Resource <c>endpoints/&lt;ns&gt;/&lt;service&gt;:&lt;port&gt;</c>.</summary>
internal sealed record EndpointsKey(ServiceRef Service) : PublishKey
{
    /// <inheritdoc/>
    public override string ResourceKey => ResourceKeys.Endpoints(Service);

    /// <inheritdoc/>
    public override CompiledResource Compile(IndexView view) =>
        new(new Resource { Endpoints = MeshMapper.ToProto(EndpointCompiler.Compile(view, Service)) }, [], EndpointCompiler.DependsOn(view, Service));
}

/// <summary>A resource without key and version, the endpoint sets it names, and what it depends on.</summary>
internal readonly record struct CompiledResource(Resource Resource, ImmutableArray<ServiceRef> Endpoints, ImmutableHashSet<IndexKey> DependsOn);
