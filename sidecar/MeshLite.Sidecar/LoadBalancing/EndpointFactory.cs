using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Resilience;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>Makes endpoint states. One per program.</summary>
internal sealed class EndpointFactory(EndpointConnector connector, Random random, TimeProvider time, ILogger? log = null)
{
    /// <summary>
    /// A state with nothing known of its load; its connections are bounded by <paramref name="connectTimeout"/> as it is then.
    /// <paramref name="joinedAt"/>: null is now.
    /// </summary>
    public EndpointState Create(EndpointConfig config, Func<TimeSpan> connectTimeout, long? joinedAt) =>
        new(config, new PeakEwma(time), connector, connectTimeout, joinedAt ?? time.GetTimestamp(), time);

    /// <summary>What is known of a service that nobody has called yet.</summary>
    public ServiceState CreateServiceState(ServiceRef service) => new(service, time, random, log ?? NullLogger.Instance);
}
