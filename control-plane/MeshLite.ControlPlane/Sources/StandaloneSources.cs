using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Injection;
using MeshLite.ControlPlane.Operator;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Protocol.Grpc;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>On one machine: a directory of documents, sidecars that register, join tokens.</summary>
internal sealed class StandaloneSources : ISources
{
    private readonly WorkloadStore _store;
    private readonly DirectorySource _directory;
    private readonly RefusedDocuments _refused = new();

    public StandaloneSources(ControlPlaneOptions options, MeshIndex index, TimeProvider time, ControlPlaneMetrics metrics, ILoggerFactory loggers)
    {
        Identity = IdentityModule.Create(
            new IdentityOptions { DataDirectory = options.DataDirectory, ListenAddresses = [options.Grpc.Address], SubjectNames = options.SubjectNames }, time, loggers);
        _store = new WorkloadStore(Path.Combine(options.DataDirectory, WorkloadStore.FileName), time, loggers.CreateLogger<WorkloadStore>());
        Workloads = new WorkloadRegistry(_store, index, time, loggers.CreateLogger<WorkloadRegistry>());
        _directory = new DirectorySource(
            options.ConfigDirectory, Path.Combine(options.DataDirectory, "last-good"), index, time, metrics, loggers.CreateLogger<DirectorySource>()) { Refused = _refused };
    }

    /// <inheritdoc/>
    public IdentityModule Identity { get; }

    /// <inheritdoc/>
    public WorkloadRegistry Workloads { get; }

    /// <inheritdoc/>
    public ClusterWebhooks? Webhooks => null;

    /// <inheritdoc/>
    public string ReplicaId => Environment.MachineName;

    /// <inheritdoc/>
    public OtherReplicas? Replicas => null;

    /// <inheritdoc/>
    public IEnumerable<ResourceError> Refused => _refused.All;

    /// <summary>None: a standalone control plane is one process, and files have no status.</summary>
    public void MapTo(GrpcServer server, CancellationToken stopping)
    {
    }

    /// <inheritdoc/>
    public OwnWorkloadKey KeyOf(StreamOwner owner) =>
        new WorkloadPublishKey(owner.Identity, owner.Workload, owner.Registration?.Service ?? "", owner.Version, owner.Registration?.AppPort ?? 0) { Labels = owner.Labels };

    /// <inheritdoc/>
    public IEnumerable<Func<Task>> Start(Action<string> blocked, CancellationToken cancellationToken)
    {
        // What an earlier run knew of workloads, before anything else.
        Workloads.Load();
        return [() => _store.RunAsync(cancellationToken), () => _directory.RunAsync(blocked, cancellationToken)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Workloads.Dispose();
        Identity.Dispose();
    }
}
