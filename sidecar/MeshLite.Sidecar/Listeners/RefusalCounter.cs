using MeshLite.Metrics;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Connections refused for what they sent before it became a request: closed, logged, counted. Thread-safe.</summary>
internal sealed class RefusalCounter(MetricRegistry metrics, ILogger<RefusalCounter> log)
{
    /// <summary>Why a connection beyond <see cref="MeshServerLimits.MaxConnections"/> is refused, as a sentence.</summary>
    public static readonly string TooManyDetail = $"{MeshServerLimits.MaxConnections:N0} connections are open already";

    private readonly CounterFamily _refused = metrics.AddCounter(
        "meshlite_connections_refused_total", "Connections refused for what they sent before it became a request, by listener and reason.", "listener", "reason");

    /// <summary>Closes the socket.</summary>
    public void Refuse(TcpSocket socket, string listener, string reason, string detail)
    {
        using (socket)
        {
            Refused(listener, socket.RemoteEndPoint?.ToString() ?? "?", reason, detail);
        }
    }

    /// <summary>Closes it by RST: what its client may have sent has been read by nobody.</summary>
    public void Reset(TcpSocket socket, string listener, string reason, string detail)
    {
        Refused(listener, socket.RemoteEndPoint?.ToString() ?? "?", reason, detail);
        socket.Reset();
    }

    /// <summary>One that somebody else has closed or answered.</summary>
    public void Refused(string listener, string client, string reason, string detail)
    {
        _refused.Series(listener, reason).Add(1);
        ListenerLog.ConnectionRefused(log, listener, client, detail);
    }
}
