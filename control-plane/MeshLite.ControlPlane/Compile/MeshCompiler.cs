using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>What holds for the mesh, and for one workload. Pure.</summary>
public static class MeshCompiler
{
    /// <summary>Resource <c>mesh</c>.</summary>
    public static MeshSettingsConfig Compile(IndexView view, ImmutableArray<ReadOnlyMemory<byte>> trustBundle) => new()
    {
        TrustDomain = view.TrustDomain,
        TrustBundle = trustBundle,
        ClusterNetworks = view.Mesh.ClusterNetworks,
        AccessLog = view.Mesh.AccessLog,
        Tracing = view.Mesh.Tracing,
        Egress = view.Mesh.Egress,
    };

    /// <summary>Resource <c>workload</c> of the sidecar that holds <paramref name="identity"/>.</summary>
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
            OpaquePorts = [.. ServicePorts.OpaqueAtApplication(view, key, appPort)],
        };
        if (service.Length == 0)
        {
            return config;
        }

        var policy = view.PolicyOf(key);
        return config with
        {
            Service = new ServiceRef(key.Namespace, key.Name, ServicePorts.Find(view, key, null)?.Port ?? ServicePorts.Default),
            MaxRequests = policy?.InboundMaxRequests ?? config.MaxRequests,
            RateLimits = policy?.InboundRateLimits ?? config.RateLimits,
        };
    }
}
