using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>What holds for the mesh, and for one workload. Pure.</summary>
public static class MeshCompiler
{
    /// <summary>Resource <c>mesh</c>.</summary>
    public static MeshSettingsConfig Compile(IndexView view) => new()
    {
        TrustDomain = view.TrustDomain,
        TrustBundle = view.Authority.Roots,
        SigningKeyId = view.Authority.SigningKeyId,
        ClusterNetworks = view.Mesh.ClusterNetworks,
        AccessLog = view.Mesh.AccessLog,
        Tracing = view.Mesh.Tracing,
        Egress = view.Mesh.Egress,
    };

    /// <summary>Resource <c>workload</c> of a registered sidecar that holds <paramref name="identity"/>.</summary>
    /// <param name="view">What is known.</param>
    /// <param name="identity">From its certificate.</param>
    /// <param name="workload">Its name.</param>
    /// <param name="service">The service it serves; empty: none.</param>
    /// <param name="version">Its <c>version</c> label.</param>
    /// <param name="appPort">Port of its application; 0: none.</param>
    /// <param name="labels">All its labels; null: none.</param>
    public static WorkloadConfig Compile(
        IndexView view, SpiffeId identity, string workload, string service, string version, int appPort = 0, ImmutableSortedDictionary<string, string>? labels = null)
    {
        labels ??= ImmutableSortedDictionary<string, string>.Empty;
        var key = new ServiceKey(identity.Namespace, service);
        var config = new WorkloadConfig
        {
            Identity = identity, Mtls = AuthorizationCompiler.Mtls(view, labels.GetValueOrDefault(AuthorizationCompiler.MtlsLabel)), Workload = workload, Version = version,
            Authorization = AuthorizationCompiler.Compile(view, identity.Namespace, labels),
            OpaquePorts = [.. ApplicationPorts.Of(view, key, appPort).AllOpaque],
        };
        if (service.Length == 0)
        {
            return config;
        }

        return Serving(config, view, key, view.PolicyOf(key));
    }

    /// <summary>
    /// Resource <c>workload</c> of the Pod of that name, as the cluster knows it: nothing is taken from what its sidecar says. Where there is
    /// no such Pod of that identity (yet), nobody can tell how strict it is to be, nor which policies select it: it is Strict, and where there are policies denies.
    /// </summary>
    public static WorkloadConfig Compile(IndexView view, SpiffeId identity, PodKey key)
    {
        if (PodOf(view, identity, key) is not { } pod)
        {
            return new WorkloadConfig
            {
                Identity = identity, Mtls = MtlsMode.Strict, Workload = key.Name, OpaquePorts = [.. new ApplicationPorts([], []).AllOpaque],
                Authorization = AuthorizationCompiler.Unknown(view, key.Namespace),
            };
        }

        var ports = ApplicationPorts.Of(view, pod);
        var config = new WorkloadConfig
        {
            Identity = identity,
            Mtls = pod.Mtls ?? view.Cluster.Namespaces.GetValueOrDefault(key.Namespace)?.Mtls ?? view.Mesh.Mtls,
            Workload = key.Name,
            Version = pod.Labels.GetValueOrDefault("version", ""),
            OpaquePorts = [.. ports.AllOpaque],
            Authorization = AuthorizationCompiler.Compile(view, key.Namespace, pod.Labels),
        };
        // Of several Services the oldest names it; of several policies that of the oldest Service holds.
        var services = ports.Served.Select(s => s.Service).Distinct().ToList();
        return services is [var first, ..] ? Serving(config, view, first, services.Select(view.PolicyOf).FirstOrDefault(p => p is not null)) : config;
    }

    /// <summary>What that rests on.</summary>
    public static ImmutableHashSet<IndexKey> DependsOn(IndexView view, PodKey key) =>
    [
        IndexKey.Mesh, IndexKey.OfPod(key), IndexKey.OfNamespace(key.Namespace), IndexKey.Authorization(key.Namespace),
        .. view.Cluster.SlicesWithPod(key).Select(slice => IndexKey.Service(slice.Service)),
    ];

    private static PodResource? PodOf(IndexView view, SpiffeId identity, PodKey key) =>
        view.Cluster.Pods.TryGetValue(key, out var pod) && pod.ServiceAccount == identity.ServiceAccount && key.Namespace == identity.Namespace ? pod : null;

    private static WorkloadConfig Serving(WorkloadConfig config, IndexView view, ServiceKey service, TrafficPolicyResource? policy) => config with
    {
        Service = new ServiceRef(service.Namespace, service.Name, ServicePorts.Find(view, service, null)?.Port ?? ServicePorts.Default),
        MaxRequests = policy?.InboundMaxRequests ?? config.MaxRequests,
        RateLimits = policy?.InboundRateLimits ?? config.RateLimits,
    };
}
