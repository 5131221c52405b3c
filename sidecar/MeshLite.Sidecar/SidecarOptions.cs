using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Probes;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar;

/// <summary>The settings of the process, from flags and <c>MESHLITE_*</c> variables (design.md §7). Immutable.</summary>
internal sealed record SidecarOptions
{
    /// <summary>The control plane's gRPC address, <c>https://HOST:PORT</c>.</summary>
    public required Uri ControlPlane { get; init; }

    /// <summary>PEM file with the roots the control plane is verified by.</summary>
    public required string ControlPlaneCa { get; init; }

    /// <summary>File with the token that proves the workload's identity; read again at each use.</summary>
    public required string TokenFile { get; init; }

    /// <summary>Service this workload serves; empty: it only calls others.</summary>
    public string Service { get; init; } = "";

    /// <summary>Namespace the workload is meant to be in; null: as its certificate says.</summary>
    public string? Namespace { get; init; }

    /// <summary>Name of the workload instance.</summary>
    public required string Workload { get; init; }

    /// <summary>Labels of the workload.</summary>
    public ImmutableSortedDictionary<string, string> Labels { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>
    /// Port of the application, on loopback, or, where connections are captured, on the pod's own address; null: there is none to call.
    /// </summary>
    public int? AppPort { get; init; }

    /// <summary>Connections of the application, and to it, are captured (<c>meshlite-sidecar capture</c>).</summary>
    public bool Transparent { get; init; }

    /// <summary>Ports of the pod that are not captured.</summary>
    public ImmutableArray<int> SkipInboundPorts { get; init; } = [];

    /// <summary>Ports of the application that speak no HTTP, beside those the control plane knows of.</summary>
    public ImmutableArray<int> OpaquePorts { get; init; } = [];

    /// <summary>The pod's own address, at which the application is asked for probes and metrics; null: as seen.</summary>
    public IPAddress? PodIp { get; init; }

    /// <summary>Probes of the application, by <c>CONTAINER/KIND</c>.</summary>
    public FrozenDictionary<string, ApplicationProbe> Probes { get; init; } = ProbeTable.Empty;

    /// <summary>Where the application's own metrics are; null: it has none.</summary>
    public AppMetricsSource? AppMetrics { get; init; }

    /// <summary>Path of the application's health check; null: a TCP connect is enough.</summary>
    public string? HealthPath { get; init; }

    /// <summary>Where peers connect. <value>Default 0.0.0.0:15006.</value></summary>
    public required IPEndPoint Inbound { get; init; }

    /// <summary>The inbound address peers are told; null: as bound.</summary>
    public IPEndPoint? Advertise { get; init; }

    /// <summary>Where the application connects. <value>Default 127.0.0.1:15001.</value></summary>
    public required IPEndPoint Outbound { get; init; }

    /// <summary>Loopback only. <value>Default 127.0.0.1:15000.</value></summary>
    public required IPEndPoint Admin { get; init; }

    /// <summary>Metrics and probes. <value>Default 0.0.0.0:15020.</value></summary>
    public required IPEndPoint Telemetry { get; init; }

    /// <summary>How long the first call to a destination waits for the control plane's answer. No flag: for tests of something else, on machines that are slow.</summary>
    public TimeSpan FirstAnswerTimeout { get; init; } = MeshState.DefaultFirstAnswerTimeout;

    /// <summary>Key, certificate and last good configuration; mode 0700.</summary>
    public required string StateDir { get; init; }
}
