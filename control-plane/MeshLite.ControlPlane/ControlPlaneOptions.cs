using System.Net;
using MeshLite.ControlPlane.Listeners;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane;

/// <summary>The process's options. Immutable.</summary>
public sealed record ControlPlaneOptions
{
    /// <summary>Directory of YAML documents; empty in a cluster.</summary>
    public string ConfigDirectory { get; init; } = "";

    /// <summary>Directory for CA, join-token key, registrations, last good configuration; made where missing. Empty in a cluster, which keeps nothing on disk.</summary>
    public string DataDirectory { get; init; } = "";

    /// <summary>The cluster; null: standalone.</summary>
    public ClusterOptions? Cluster { get; init; }

    /// <summary>Where sidecars connect. <value>Default 0.0.0.0:15012.</value></summary>
    public IPEndPoint Grpc { get; init; } = new(IPAddress.Any, 15012);

    /// <summary><c>/metrics</c>, <c>/ready</c>, <c>/live</c>. <value>Default 0.0.0.0:15014.</value></summary>
    public IPEndPoint Telemetry { get; init; } = new(IPAddress.Any, 15014);

    /// <summary>Where the API server calls webhooks; in a cluster only. <value>Default 0.0.0.0:15017.</value></summary>
    public IPEndPoint Webhook { get; init; } = new(IPAddress.Any, 15017);

    /// <summary>Further names and addresses in the server's certificate.</summary>
    public IReadOnlyList<string> SubjectNames { get; init; } = [];

    /// <summary>How much is logged. <value>Default Information.</value></summary>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    /// <summary>How many connections each port takes.</summary>
    internal ControlPlanePorts Ports { get; init; } = new();
}

/// <summary>Which cluster, and where in it. Immutable.</summary>
public sealed record ClusterOptions
{
    /// <summary>Namespace of the control plane where nothing says another.</summary>
    public const string DefaultNamespace = "meshlite-system";

    /// <summary>Its current context is used. <value>Null: the process runs in a Pod of the cluster.</value></summary>
    public string? Kubeconfig { get; init; }

    /// <summary>Namespace of the control plane's own Service, Secret and Lease. <value>Null: the Pod's, or <see cref="DefaultNamespace"/>.</value></summary>
    public string? Namespace { get; init; }

    /// <summary>Image that injected pods get. <value>Null: <c>meshlite/sidecar</c> of this version.</value></summary>
    public string? SidecarImage { get; init; }

    /// <summary>Address of the control plane in injected pods. <value>Null: that of its Service, port 15012.</value></summary>
    public string? SidecarControlPlane { get; init; }
}
