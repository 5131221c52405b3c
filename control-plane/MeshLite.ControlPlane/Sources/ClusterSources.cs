using System.Net.Http;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Injection;
using MeshLite.ControlPlane.Operator;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Sources.Kubernetes;
using MeshLite.ControlPlane.Status;
using MeshLite.ControlPlane.Streaming;
using MeshLite.Hosting;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Connection;
using MeshLite.Kubernetes.Leadership;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources;

/// <summary>In a cluster: its objects, its service accounts, and the authority in a Secret.</summary>
internal sealed class ClusterSources : ISources
{
    /// <summary>How long the API server may be away when the process starts; then it ends, and says why. <value>30 s.</value></summary>
    private static readonly TimeSpan StartTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Who holds it writes to the cluster.</summary>
    private const string LeaseName = "meshlite-control-plane";

    private static readonly TimeSpan RetryInterval = TimeSpan.FromSeconds(1);

    private readonly KubernetesClient _client;
    private readonly KubernetesSource _source;

    private readonly LeaderElector _elector;

    private readonly ClusterStatus _status;

    private ClusterSources(
        KubernetesClient client, IdentityModule identity, KubernetesSource source, ClusterWebhooks webhooks, ClusterStatus status, OtherReplicas replicas, LeaderElector elector) =>
        (_client, Identity, _source, Webhooks, _status, Replicas, _elector) = (client, identity, source, webhooks, status, replicas, elector);

    /// <inheritdoc/>
    public IdentityModule Identity { get; }

    /// <inheritdoc/>
    public WorkloadRegistry? Workloads => null;

    /// <inheritdoc/>
    public ClusterWebhooks Webhooks { get; }

    /// <inheritdoc/>
    ClusterWebhooks? ISources.Webhooks => Webhooks;

    /// <inheritdoc/>
    public string ReplicaId => _elector.Identity;

    /// <inheritdoc/>
    public OtherReplicas Replicas { get; }

    /// <summary>None: what a cluster holds and cannot be read, the index knows (<see cref="IndexView.Refusals"/>).</summary>
    public IEnumerable<ResourceError> Refused => [];

    /// <summary>Connects, and reads or makes the authority; throws <see cref="StartupException"/> with the reason it cannot.</summary>
    public static async Task<ClusterSources> CreateAsync(
        ControlPlaneOptions options, MeshIndex index, Publisher publisher, TimeProvider time, ControlPlaneMetrics metrics, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var (connection, ns) = Connect(options.Cluster!, time);
        var client = new KubernetesClient(connection, null, time);
        try
        {
            var logger = loggers.CreateLogger<IdentityModule>();
            var authority = await LoadAuthorityAsync(client, ns, time, logger, cancellationToken);
            var identity = new IdentityModule(
                authority, new TokenReviewAuthenticator(client, logger),
                new IdentityOptions { ListenAddresses = [options.Grpc.Address], SubjectNames = [.. ServiceNames(ns), .. options.SubjectNames] }, time, logger);
            var webhooks = new ClusterWebhooks(options.Cluster!, ns, client, index, identity, metrics, time, loggers);
            var lease = new LeaderElectionOptions { Lease = new ObjectKey(ns, LeaseName), Identity = Environment.MachineName };
            var elector = new LeaderElector(client, lease, time, new Random(), loggers.CreateLogger<LeaderElector>());
            var status = new ClusterStatus(ns, client, index, publisher, identity, elector, time, loggers);
            var source = new KubernetesSource(client, index, time, new Random(), metrics, loggers) { Stored = status.Stored };
            var replicas = new OtherReplicas(ns, elector.Identity, index, identity.ReplicaTls, time);
            return new ClusterSources(client, identity, source, webhooks, status, replicas, elector);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void MapTo(GrpcServer server, CancellationToken stopping) => _status.MapTo(server, stopping);

    /// <inheritdoc/>
    public OwnWorkloadKey KeyOf(StreamOwner owner) => new PodPublishKey(owner.Identity, owner.Workload);

    /// <inheritdoc/>
    public IEnumerable<Func<Task>> Start(Action<string> blocked, CancellationToken cancellationToken) =>
        [() => _source.RunAsync(blocked, cancellationToken), () => _elector.RunAsync(LeadAsync, cancellationToken)];

    // The end of either, by itself, gives the Lease up: better another leads than nobody does half of it.
    private async Task LeadAsync(CancellationToken leading)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(leading);
        Task[] work = [Webhooks.LeadAsync(ended.Token), _status.LeadAsync(ended.Token)];
        var first = await Task.WhenAny(work);
        await ended.CancelAsync();
        await Task.WhenAll(work).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await first;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Identity.Dispose();
        _client.Dispose();
    }

    /// <summary>Names of the Service in front of the control plane, as sidecars resolve them.</summary>
    internal static IEnumerable<string> ServiceNames(string ns) =>
        new[] { "", ".svc", ".svc.cluster.local" }.Select(suffix => $"{SvidProfile.ControlPlaneServiceAccount}.{ns}{suffix}");

    private static (ClusterConnection Connection, string Namespace) Connect(ClusterOptions options, TimeProvider time)
    {
        try
        {
            return options.Kubeconfig is { } file
                ? (ClusterConnection.FromKubeconfig(file, time), options.Namespace ?? ClusterOptions.DefaultNamespace)
                : ClusterConnection.InCluster(time) is var connection ? (connection, options.Namespace ?? connection.Namespace) : default;
        }
        catch (ConnectionException problem)
        {
            throw options.Kubeconfig is null ? new StartupException(problem.Message, inner: problem) : StartupException.WrongOption("--kubeconfig", problem.Message);
        }
    }

    private static async Task<CertificateAuthority> LoadAuthorityAsync(KubernetesClient client, string ns, TimeProvider time, ILogger logger, CancellationToken cancellationToken)
    {
        var begin = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await AuthoritySecret.LoadOrCreateAsync(client, ns, time, cancellationToken);
            }
            catch (Exception problem) when (problem is KubernetesException or HttpRequestException or TimeoutException)
            {
                // What the server refuses for good reasons it will refuse again.
                var isFinal = problem is KubernetesException { Reason: KubernetesReason.Forbidden or KubernetesReason.Unauthorized or KubernetesReason.NotFound or KubernetesReason.Invalid };
                if (isFinal || time.GetElapsedTime(begin) >= StartTimeout)
                {
                    throw new StartupException($"the authority's Secret {ns}/{AuthoritySecret.Name}: {problem.Message}", inner: problem);
                }

                IdentityLog.AuthorityUnreachable(logger, problem.Message);
                await Task.Delay(RetryInterval, time, cancellationToken);
            }
        }
    }
}
