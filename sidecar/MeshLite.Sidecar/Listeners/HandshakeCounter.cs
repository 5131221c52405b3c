using System.Net;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Counts TLS handshakes between sidecars by how they ended; logs those that failed. Thread-safe.</summary>
internal sealed class HandshakeCounter(MetricRegistry metrics, ILogger<HandshakeCounter> log)
{
    private const string Ok = "ok";

    private readonly CounterFamily _handshakes = metrics.AddCounter(
        "meshlite_handshakes_total", "TLS handshakes between sidecars, by direction and how they ended; refused_by_peer comes after an ok.", "direction", "result");

    /// <summary>A peer connected to us.</summary>
    public void Inbound(string outcome, EndPoint? client)
    {
        _handshakes.Series("inbound", outcome).Add(1);
        if (outcome != Ok)
        {
            ListenerLog.ConnectionRefused(log, "inbound", client?.ToString() ?? "?", $"TLS handshake: {outcome}");
        }
    }

    /// <summary>We connected to a peer.</summary>
    public void Outbound(string outcome, EndPoint peer)
    {
        _handshakes.Series("outbound", outcome).Add(1);
        if (outcome != Ok)
        {
            ListenerLog.HandshakeFailed(log, peer.ToString() ?? "?", outcome);
        }
    }
}
