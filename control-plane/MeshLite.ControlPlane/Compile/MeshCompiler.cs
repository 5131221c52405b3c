using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Sources;
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
    };

    /// <summary>Resource <c>workload</c> of the sidecar that holds <paramref name="identity"/>.</summary>
    /// <param name="view">What is known.</param>
    /// <param name="identity">From its certificate.</param>
    /// <param name="workload">Its name.</param>
    /// <param name="service">The service it serves; empty: none.</param>
    /// <param name="version">Its <c>version</c> label.</param>
    public static WorkloadConfig Compile(IndexView view, SpiffeId identity, string workload, string service, string version) => new()
    {
        Identity = identity,
        Mtls = view.Mesh.Mtls,
        Service = service.Length == 0 ? null : new ServiceRef(
            identity.Namespace, service, ServicePorts.Find(view, new(identity.Namespace, service), null)?.Port ?? ServicePorts.Default),
        Workload = workload,
        Version = version,
    };
}
