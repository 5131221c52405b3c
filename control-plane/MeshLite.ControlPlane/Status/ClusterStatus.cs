using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Leadership;
using MeshLite.Protocol.Grpc;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Status;

/// <summary>What status is made of in a cluster: every replica counts and answers, the Lease holder asks and writes. One per process.</summary>
internal sealed class ClusterStatus
{
    private readonly string _id;
    private readonly AckTally _tally;
    private readonly StatusWriter _writer;
    private readonly IdentityModule _identity;
    private readonly MeshIndex _index;
    private readonly SidecarCensus _census;
    private readonly ReplicaCensus _replicas;
    private readonly TimeProvider _time;

    /// <summary>Makes the parts. <paramref name="ns"/>: the control plane's own.</summary>
    public ClusterStatus(
        string ns, KubernetesClient client, MeshIndex index, Publisher publisher, IdentityModule identity, SidecarCensus census, LeaderElector elector, TimeProvider time, ILoggerFactory loggers)
    {
        (_id, _identity, _index, _census, _time) = (elector.Identity, identity, index, census, time);
        _replicas = new ReplicaCensus(ns, _id, identity.ReplicaTls, time);
        _tally = new AckTally(publisher);
        var logger = loggers.CreateLogger<StatusWriter>();
        _writer = new StatusWriter(
            client, publisher, _tally, Stored, wake => new ReplicaPeers(ns, _id, identity.ReplicaTls, wake, time, logger), new StatusEvents(client, _id, time, logger), () => elector.IsLeader, time, logger);
    }

    /// <summary>Where the watches leave what they see.</summary>
    public StoredObjects Stored { get; } = new();

    /// <summary>Adds the service by which replicas ask each other.</summary>
    public void MapTo(GrpcServer server, CancellationToken stopping) => new ReplicaService(_id, _tally, _census, _identity.IsReplica, _index.WhenSynced, _time, stopping).MapTo(server);

    /// <summary>How far the authority has come among the sidecars of every replica.</summary>
    public async Task<AuthorityProgress> CountAsync(AuthorityInForce authority, CancellationToken cancellationToken) =>
        _census.Count(authority.BundleId, authority.Signer.KeyId).With(await _replicas.CountAsync(_index.View, authority.BundleId, authority.Signer.KeyId, cancellationToken));

    /// <summary>What is to be done while we lead.</summary>
    public async Task LeadAsync(CancellationToken leading)
    {
        await _index.WhenSynced.WaitAsync(leading);
        await _writer.LeadAsync(leading);
    }
}
