using System.Collections.Immutable;
using System.Net;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources;

namespace MeshLite.ControlPlane.Index;

/// <summary>
/// All that is known, at one moment. Immutable: made by <see cref="IndexReducer"/>, swapped by reference in
/// <see cref="MeshIndex"/>, read by the compiler.
/// </summary>
public sealed record IndexView
{
    /// <summary>Nothing known yet.</summary>
    public static readonly IndexView Empty = new();

    /// <summary>Whether this may be published.</summary>
    public bool IsSynced { get; init; }

    /// <summary>
    /// The trust domain this process signs for. Fixed at <see cref="Synced"/>: under another one no certificate in the mesh would
    /// be accepted any more. <value>Default <c>cluster.local</c>.</value>
    /// </summary>
    public string TrustDomain { get; init; } = "cluster.local";

    /// <summary>Roots and signing key.</summary>
    public MeshAuthority Authority { get; init; } = MeshAuthority.Unknown;

    /// <summary>Every document in force.</summary>
    public ImmutableDictionary<ResourceKey, Resource> Resources { get; init; } = ImmutableDictionary<ResourceKey, Resource>.Empty;

    /// <summary>Objects of a cluster that are stored but refused; of those that were good before, the last good version is in <see cref="Resources"/>.</summary>
    public ImmutableDictionary<ResourceKey, Refusal> Refusals { get; init; } = ImmutableDictionary<ResourceKey, Refusal>.Empty;

    /// <summary>Routes by the Service they name as parent, oldest first.</summary>
    public ImmutableDictionary<ServiceKey, ImmutableArray<TrafficRouteResource>> Routes { get; init; } =
        ImmutableDictionary<ServiceKey, ImmutableArray<TrafficRouteResource>>.Empty;

    /// <summary>Policies by the Service they name as target, oldest first: the first is in force.</summary>
    public ImmutableDictionary<ServiceKey, ImmutableArray<TrafficPolicyResource>> Policies { get; init; } =
        ImmutableDictionary<ServiceKey, ImmutableArray<TrafficPolicyResource>>.Empty;

    /// <summary>AuthorizationPolicies by namespace, oldest first.</summary>
    public ImmutableDictionary<string, ImmutableArray<AuthorizationPolicyResource>> Authorizations { get; init; } =
        ImmutableDictionary<string, ImmutableArray<AuthorizationPolicyResource>>.Empty;

    /// <summary>Registered workloads by the service they serve; no service with none.</summary>
    public ImmutableDictionary<ServiceKey, ImmutableDictionary<WorkloadKey, WorkloadRegistration>> Workloads { get; init; } =
        ImmutableDictionary<ServiceKey, ImmutableDictionary<WorkloadKey, WorkloadRegistration>>.Empty;

    /// <summary>The service of each registered workload.</summary>
    public ImmutableDictionary<WorkloadKey, ServiceKey> ServiceOf { get; init; } = ImmutableDictionary<WorkloadKey, ServiceKey>.Empty;

    /// <summary>Workloads by the address they are registered at; no address with none.</summary>
    public ImmutableDictionary<IPAddress, ImmutableHashSet<WorkloadKey>> WorkloadsAt { get; init; } = ImmutableDictionary<IPAddress, ImmutableHashSet<WorkloadKey>>.Empty;

    /// <summary>Service documents by the addresses they claim, oldest first: the first has it.</summary>
    public ImmutableDictionary<IPAddress, ImmutableArray<ServiceResource>> ClusterIps { get; init; } =
        ImmutableDictionary<IPAddress, ImmutableArray<ServiceResource>>.Empty;

    /// <summary>What a cluster's own objects say.</summary>
    public ClusterView Cluster { get; init; } = ClusterView.Empty;

    /// <summary>Services that exist or once did.</summary>
    public ImmutableHashSet<ServiceKey> Known { get; init; } = [];

    /// <summary>Namespaces of <see cref="Known"/>.</summary>
    public ImmutableHashSet<string> Namespaces { get; init; } = [];

    /// <summary>MeshConfig, or its defaults.</summary>
    public MeshConfigResource Mesh => Resources.GetValueOrDefault(MeshConfigResource.DefaultKey) as MeshConfigResource ?? DefaultMesh;

    private static readonly MeshConfigResource DefaultMesh = new() { Key = MeshConfigResource.DefaultKey, Origin = default };

    /// <summary>The Service document, if there is one.</summary>
    public ServiceResource? DocumentOf(ServiceKey service) =>
        Resources.GetValueOrDefault(new ResourceKey(ResourceKind.Service, service.Namespace, service.Name)) as ServiceResource;

    /// <summary>The service called under an address, if it is a service's.</summary>
    public ServiceKey? ServiceAt(IPAddress address) => ClusterIps.TryGetValue(address, out var services) ? services[0].Service : null;

    /// <summary>Registrations at an address: those that advertise it first, then the newest.</summary>
    public IEnumerable<WorkloadRegistration> RegisteredAt(IPAddress address) =>
        WorkloadsAt.TryGetValue(address, out var workloads)
            ? workloads.Select(key => Workloads[ServiceOf[key]][key]).OrderByDescending(workload => workload.Address.Address.Equals(address)).ThenByDescending(workload => workload.Sequence)
            : [];

    /// <summary>Whether names in this namespace are the mesh's: all of a cluster's are, and those in which there ever was a service.</summary>
    public bool KnowsNamespace(string ns) => Namespaces.Contains(ns) || Cluster.Namespaces.ContainsKey(ns);

    /// <summary>Whether a document or a registered workload makes the service exist.</summary>
    public bool Exists(ServiceKey service) => DocumentOf(service) is not null || Workloads.ContainsKey(service);

    /// <summary>The policy in force, if any.</summary>
    public TrafficPolicyResource? PolicyOf(ServiceKey service) => Policies.TryGetValue(service, out var policies) ? policies[0] : null;
}
