using System.Net.Sockets;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Connections refused before anything was read from them as a request: closed, logged, counted. Thread-safe.</summary>
internal sealed class RefusalCounter(MetricRegistry metrics, ILogger<RefusalCounter> log)
{
    private readonly CounterFamily _refused = metrics.AddCounter(
        "meshlite_connections_refused_total", "Connections refused before a request was read, by listener and reason.", "listener", "reason");

    /// <summary>Closes the socket.</summary>
    public void Refuse(Socket socket, string listener, string reason, string detail)
    {
        _refused.Series(listener, reason).Add(1);
        ListenerLog.ConnectionRefused(log, listener, socket.RemoteEndPoint?.ToString() ?? "?", detail);
        socket.Dispose();
    }
}
