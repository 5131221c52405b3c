using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Injection;
using MeshLite.ControlPlane.Operator;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Protocol.Grpc;

namespace MeshLite.ControlPlane.Sources;

/// <summary>
/// Where configuration, workloads and identities come from: all in which the two ways of running differ. Made by <see cref="ControlPlaneHost"/>, which
/// owns it; what it learns it posts to the index.
/// </summary>
internal interface ISources : IDisposable
{
    /// <summary>The authority, and who a caller is.</summary>
    IdentityModule Identity { get; }

    /// <summary>Where sidecars register their workloads; null: nothing is taken from them, the cluster says it.</summary>
    WorkloadRegistry? Workloads { get; }

    /// <summary>What the API server asks; null: there is none.</summary>
    ClusterWebhooks? Webhooks { get; }

    /// <summary>Of this process, among the replicas.</summary>
    string ReplicaId { get; }

    /// <summary>The other replicas, for what an operator asks; null: there are none.</summary>
    OtherReplicas? Replicas { get; }

    /// <summary>Documents that cannot be read and are not in the index.</summary>
    IEnumerable<ResourceError> Refused { get; }

    /// <summary>Adds the services that only this way of running has. Called once, at the start.</summary>
    void MapTo(GrpcServer server, CancellationToken stopping);

    /// <summary>The own resource of a sidecar.</summary>
    OwnWorkloadKey KeyOf(StreamOwner owner);

    /// <summary>
    /// Posts what is known, then every change, until cancelled; several loops, one task each. <paramref name="blocked"/> is told why nothing can be
    /// published yet, should that be so.
    /// </summary>
    IEnumerable<Func<Task>> Start(Action<string> blocked, CancellationToken cancellationToken);
}
