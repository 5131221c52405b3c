using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Resilience;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Makes endpoint states. One per program. <paramref name="handlers"/> makes what an endpoint is sent to by; null, as in the
/// program: HTTP/2 in mTLS over the connector's connections.
/// </summary>
internal sealed class EndpointFactory(
    EndpointConnector connector, Random random, TimeProvider time, ILogger? log = null, Func<EndpointConfig, HttpMessageHandler>? handlers = null)
{
    /// <value>An endpoint nobody called for this long has no connection. 5 min.</value>
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(5);

    /// <summary>
    /// A state with nothing known of its load; its connections, made on first use, are bounded by <paramref name="connectTimeout"/>
    /// as it is then. <paramref name="joinedAt"/>: null is now.
    /// </summary>
    public EndpointState Create(EndpointConfig config, Func<TimeSpan> connectTimeout, long? joinedAt)
    {
        var contact = new PeerContact(time);
        return new EndpointState(config, new PeakEwma(time), handlers?.Invoke(config) ?? InMesh(config, contact, connectTimeout), contact, joinedAt ?? time.GetTimestamp(), time);
    }

    /// <summary>What is known of a service that nobody has called yet.</summary>
    public ServiceState CreateServiceState(ServiceRef service) => new(service, time, random, log ?? NullLogger.Instance);

    private SocketsHttpHandler InMesh(EndpointConfig config, PeerContact contact, Func<TimeSpan> connectTimeout)
    {
        var identity = config.Identity ?? throw new FormatException($"endpoint {config.Address} has no identity: only endpoints with a sidecar are called");
        return HttpHandlers.Create(
            async (_, cancellation) => await connector.ConnectMeshHttpAsync(config.Address, identity, contact, connectTimeout(), cancellation), IdleTimeout);
    }
}
