using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// <c>meshlite_tcp_*</c>: connections carried as bytes, with the labels of design.md §3 that a connection has. As Istio counts
/// them, <c>received</c> is what the client sent and <c>sent</c> what it was sent. One per sidecar; thread-safe.
/// </summary>
internal sealed class TcpMetrics
{
    /// <summary>Shared by all addresses and hosts outside the mesh.</summary>
    private const string Outside = "_outside";

    private static readonly string[] Labels =
    [
        "direction", "source_workload", "source_namespace", "destination_service", "destination_namespace", "destination_workload", "destination_version", "tls",
    ];

    private readonly MeshState _mesh;
    private readonly CounterFamily _opened;
    private readonly CounterFamily _closed;
    private readonly CounterFamily _received;
    private readonly CounterFamily _sent;

    public TcpMetrics(MetricRegistry registry, MeshState mesh)
    {
        _mesh = mesh;
        _opened = registry.AddCounter("meshlite_tcp_connections_opened_total", "TCP connections taken over, by who called whom.", Labels);
        _closed = registry.AddCounter("meshlite_tcp_connections_closed_total", "TCP connections that ended, by who called whom and why; no reason: both sides were done.", [.. Labels, "reason"]);
        _received = registry.AddCounter("meshlite_tcp_received_bytes_total", "Bytes received from clients over TCP connections.", Labels);
        _sent = registry.AddCounter("meshlite_tcp_sent_bytes_total", "Bytes sent to clients over TCP connections.", Labels);
    }

    /// <summary>A connection of the application, and where it led.</summary>
    public TcpFlow Outbound(in TunnelServer server)
    {
        var self = _mesh.Workload;
        var service = server.Destination is { Kind: DestinationKind.Service } destination ? destination.Service : default(ServiceRef?);
        return Open(
        [
            "outbound", self?.Workload ?? "", self?.Identity.Namespace ?? "", service?.Name ?? Outside, service?.Namespace ?? "",
            server.Endpoint?.Config.Workload ?? "", server.Endpoint?.Version ?? "", LabelText.Flag(server.Endpoint?.Config.Identity is not null),
        ]);
    }

    /// <summary>A connection to the application. A peer tells its namespace, in its certificate, but no workload.</summary>
    public TcpFlow Inbound(SpiffeId? peer)
    {
        var self = _mesh.Workload;
        return Open(
        [
            "inbound", "", peer?.Namespace ?? "", self?.Service?.Name ?? "", self?.Identity.Namespace ?? "",
            self?.Workload ?? "", self?.Version ?? "", LabelText.Flag(peer is not null),
        ]);
    }

    private TcpFlow Open(string[] labels)
    {
        _opened.Series(labels).Increment();
        return new TcpFlow(_received.Series(labels), _sent.Series(labels), reason => _closed.Series([.. labels, reason]).Increment());
    }
}

/// <summary>One connection's part in the metrics. Bytes are added as they flow; closed once, by its owner.</summary>
internal sealed class TcpFlow(CounterSeries received, CounterSeries sent, Action<string> close)
{
    /// <summary>Why a connection ended whose sides were not both done.</summary>
    public const string Reset = "reset";

    /// <summary>Why one ended on which nothing moved.</summary>
    public const string IdleTimeout = "idle_timeout";

    /// <summary>From the client.</summary>
    public CounterSeries Received => received;

    /// <summary>To the client.</summary>
    public CounterSeries Sent => sent;

    /// <summary>It ended; empty: both sides were done.</summary>
    public void Close(string reason) => close(reason);
}
