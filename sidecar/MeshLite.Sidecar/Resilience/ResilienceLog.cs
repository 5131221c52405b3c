using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;

namespace MeshLite.Sidecar.Resilience;

/// <summary>Log messages of breakers; ids 1500 to 1599.</summary>
internal static partial class ResilienceLog
{
    [LoggerMessage(EventId = 1500, EventName = "CircuitMoved", Level = LogLevel.Warning, Message = "The circuit of {Service} went from {From} to {To}.")]
    public static partial void CircuitMoved(ILogger log, ServiceRef service, CircuitState from, CircuitState to);

    [LoggerMessage(EventId = 1501, EventName = "EndpointMoved", Level = LogLevel.Information, Message = "An endpoint of {Service} went from {From} to {To}.")]
    public static partial void EndpointMoved(ILogger log, ServiceRef service, EndpointHealthState from, EndpointHealthState to);
}
