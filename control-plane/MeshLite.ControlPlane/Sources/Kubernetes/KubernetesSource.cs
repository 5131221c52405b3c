using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.ControlPlane.Status;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Sources.Kubernetes;

/// <summary>
/// Watches a cluster and posts what changes to the index: one <see cref="Reflector{T}"/> a kind, each on its own task, and nothing shared between
/// them but the gate. What the API server does meanwhile (restarts, forgets, hangs) is the reflectors' business: the index stays as it was.
/// </summary>
public sealed class KubernetesSource(KubernetesClient client, MeshIndex index, TimeProvider time, Random random, ControlPlaneMetrics metrics, ILoggerFactory loggers)
{
    internal const string Group = "meshlite.dev";
    internal const string Version = "v1alpha1";

    // What reading makes of each kind; every ResourceKind but Service has its CRD.
    internal static readonly (ResourceKind Kind, string Plural, bool IsNamespaced)[] OwnKinds =
    [
        (ResourceKind.TrafficRoute, "trafficroutes", true),
        (ResourceKind.TrafficPolicy, "trafficpolicies", true),
        (ResourceKind.AuthorizationPolicy, "authorizationpolicies", true),
        (ResourceKind.MeshConfig, "meshconfigs", false),
    ];

    /// <summary>Where objects of own kinds are left as they are seen, status and all; null: nobody wants that.</summary>
    internal StoredObjects? Stored { get; init; }

    /// <summary>How often, and after what waits, the API server is asked. <value>Default: as Reflector has it.</value></summary>
    public ReflectorOptions Options { get; init; } = new();

    /// <summary>
    /// Posts everything there is, then <see cref="Synced"/>, then every change, until cancelled. <paramref name="waiting"/> is told what for, as
    /// long as nothing can be published.
    /// </summary>
    public async Task RunAsync(Action<string> waiting, CancellationToken cancellationToken)
    {
        var logger = loggers.CreateLogger<KubernetesSource>();
        var gate = new SyncGate(
            ["Service", "Pod", "EndpointSlice", "Namespace", .. OwnKinds.Select(k => k.Kind.ToString())], index, time,
            reason =>
            {
                SourcesLog.Waiting(logger, reason);
                waiting(reason);
            });
        gate.Begin();
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] reflectors =
        [
            Reflect(ResourceTypes.Services, Sink<Service>("Service", (service, at) => ToChange(ClusterObjects.Read(service), at), (key, at) => new ResourceChange(new(ResourceKind.Service, key.Namespace!, key.Name), null, at))),
            Reflect(ResourceTypes.Pods, Sink<Pod>("Pod", (pod, at) => ToChange(ClusterObjects.Read(pod), at), (key, at) => new PodChange(new(key.Namespace!, key.Name), null, at))),
            Reflect(ResourceTypes.EndpointSlices, Sink<EndpointSlice>("EndpointSlice", (slice, at) => new SliceChange(new(slice.Metadata.Namespace!, slice.Metadata.Name), ClusterObjects.Read(slice), at), (key, at) => new SliceChange(new(key.Namespace!, key.Name), null, at))),
            Reflect(ResourceTypes.Namespaces, Sink<Namespace>("Namespace", (ns, at) => new NamespaceChange(ns.Metadata.Name, ClusterObjects.Read(ns), at), (key, at) => new NamespaceChange(key.Name, null, at))),
            .. OwnKinds.Select(own => Reflect(
                TypeOf(own), new OwnKindSink(own.Kind, index, gate, time, metrics, logger, Stored))),
        ];
        try
        {
            await await Task.WhenAny(reflectors);
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(reflectors).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Task Reflect<T>(ResourceType<T> type, IReflectorSink<T> sink)
            where T : class, IKubernetesObject =>
            new Reflector<T>(client, type, null, Options, time, new Random(random.Next()), logger).RunAsync(sink, ended.Token);

        ClusterSink<T> Sink<T>(string kind, Func<T, long, IndexChange> upserted, Func<ObjectKey, long, IndexChange> deleted)
            where T : class, IKubernetesObject => new(kind, upserted, deleted, index, gate, time);
    }

    internal static ResourceType<RawObject> TypeOf((ResourceKind Kind, string Plural, bool IsNamespaced) own) =>
        ResourceTypes.Raw(Group, Version, own.Plural, own.Kind.ToString(), own.IsNamespaced);

    private static ResourceChange ToChange(ServiceResource service, long at) => new(service.Key, service, at);

    private static PodChange ToChange(PodResource pod, long at) => new(pod.Key, pod, at);
}
