using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>Makes endpoint states. One per program.</summary>
internal sealed class EndpointFactory(EndpointConnector connector, TimeProvider time)
{
    /// <summary>
    /// A state with nothing known of its load; its connections are bounded by <paramref name="connectTimeout"/> as it is then.
    /// <paramref name="joinedAt"/>: null is now.
    /// </summary>
    public EndpointState Create(EndpointConfig config, Func<TimeSpan> connectTimeout, long? joinedAt) =>
        new(config, new PeakEwma(time), connector, connectTimeout, joinedAt ?? time.GetTimestamp(), time);
}
