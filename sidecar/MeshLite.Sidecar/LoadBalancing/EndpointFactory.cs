using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Resilience;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Makes endpoint states. One per program. <paramref name="handlers"/> makes what an endpoint is sent to by; null, as in the
/// program: HTTP/2 in mTLS over the connector's connections, or plaintext to an endpoint that has no sidecar.
/// </summary>
internal sealed class EndpointFactory(
    EndpointConnector connector, Random random, TimeProvider time, ILogger? log = null, Func<EndpointConfig, HttpMessageHandler>? handlers = null)
{
    /// <value>Of connections to applications: shorter than common servers' own keep-alive (5 s in Node.js). 4 s.</value>
    private static readonly TimeSpan PlainIdleTimeout = TimeSpan.FromSeconds(4);

    /// <summary>
    /// A state with nothing known of its load; its connections, made on first use, are bounded by <paramref name="connectTimeout"/>
    /// as it is then. <paramref name="joinedAt"/>: null is now.
    /// </summary>
    public EndpointState Create(EndpointConfig config, Func<TimeSpan> connectTimeout, long? joinedAt) =>
        new(config, new PeakEwma(time), handlers?.Invoke(config) ?? HandlerOf(config, connectTimeout), joinedAt ?? time.GetTimestamp(), time);

    /// <summary>What is known of a service that nobody has called yet.</summary>
    public ServiceState CreateServiceState(ServiceRef service) => new(service, time, random, log ?? NullLogger.Instance);

    private HttpMessageHandler HandlerOf(EndpointConfig config, Func<TimeSpan> connectTimeout) =>
        config.Identity is { } identity
            ? new Http2Handler((unusable, cancellation) => connector.ConnectHttpAsync(config.Address, identity, connectTimeout(), unusable, cancellation))
            : new PlainEndpointHandler(
                new Http1Handler(cancellation => connector.ConnectPlainAsync(config.Address, connectTimeout(), cancellation), PlainIdleTimeout, time),
                new Http2Handler(async (unusable, cancellation) => await connector.BeginPlainHttpAsync(
                    await connector.ConnectPlainAsync(config.Address, connectTimeout(), cancellation), config.Address, PlainIdleTimeout, unusable, cancellation)));
}
