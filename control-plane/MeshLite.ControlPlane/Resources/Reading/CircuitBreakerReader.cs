using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources.Reading;

/// <summary>Reads a TrafficPolicy's <c>circuitBreaker</c>. Pure.</summary>
internal static class CircuitBreakerReader
{
    private const int MaxRequests = 1_000_000;
    private const int MaxSuccesses = 100;
    private const int MaxCodes = 100;

    private static readonly TimeSpan MinWindow = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxWindow = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MinOpen = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan MaxOpen = TimeSpan.FromHours(1);

    /// <summary>Reads it; null parts are not written.</summary>
    public static CircuitBreaker Read(FieldReader breaker)
    {
        var endpoint = breaker.Object("endpoint", ReadEndpoint);
        var destination = breaker.Object("destination", ReadDestination);
        // A 4xx says something of the caller, never of the server.
        var codes = breaker.Values("failureCodes", 1, MaxCodes, code => RetryReader.StatusOf(code, 500), "a status from 500 to 599");
        return new CircuitBreaker(endpoint, destination, codes is { } given ? new FailureCodes(given) : null);
    }

    private static EndpointCircuitConfig ReadEndpoint(FieldReader endpoint)
    {
        var byDefault = new EndpointCircuitConfig();
        var circuit = new EndpointCircuitConfig
        {
            ConsecutiveFailures = endpoint.Integer("consecutiveFailures", 0, 1000) ?? byDefault.ConsecutiveFailures,
            FailureRatio = endpoint.Number("failureRatio", 0, 1) ?? byDefault.FailureRatio,
            MinimumRequests = endpoint.Integer("minimumRequests", 1, MaxRequests) ?? byDefault.MinimumRequests,
            Window = endpoint.Duration("window", MinWindow, MaxWindow) ?? byDefault.Window,
            OpenFor = endpoint.Duration("openFor", MinOpen, MaxOpen) ?? byDefault.OpenFor,
            MaxOpenFor = endpoint.Duration("maxOpenFor", MinOpen, MaxOpen) ?? byDefault.MaxOpenFor,
            MaxEjectedPercent = endpoint.Integer("maxEjectedPercent", 0, 100) ?? byDefault.MaxEjectedPercent,
            SuccessesToClose = endpoint.Integer("successesToClose", 1, MaxSuccesses) ?? byDefault.SuccessesToClose,
        };
        if (circuit.MaxOpenFor < circuit.OpenFor)
        {
            endpoint.Error(
                endpoint.Has("maxOpenFor") ? "maxOpenFor" : "openFor",
                $"openFor ({GatewayDuration.Format(circuit.OpenFor)}) must not be longer than maxOpenFor ({GatewayDuration.Format(circuit.MaxOpenFor)})");
        }

        return circuit;
    }

    private static DestinationCircuitConfig ReadDestination(FieldReader destination)
    {
        var byDefault = new DestinationCircuitConfig();
        return new DestinationCircuitConfig
        {
            ConsecutiveFailures = destination.Integer("consecutiveFailures", 0, 10_000) ?? byDefault.ConsecutiveFailures,
            FailureRatio = destination.Number("failureRatio", 0, 1) ?? byDefault.FailureRatio,
            MinimumRequests = destination.Integer("minimumRequests", 1, MaxRequests) ?? byDefault.MinimumRequests,
            Window = destination.Duration("window", MinWindow, MaxWindow) ?? byDefault.Window,
            OpenFor = destination.Duration("openFor", MinOpen, MaxOpen) ?? byDefault.OpenFor,
            SuccessesToClose = destination.Integer("successesToClose", 1, MaxSuccesses) ?? byDefault.SuccessesToClose,
        };
    }

    /// <summary>What is written of it.</summary>
    internal sealed record CircuitBreaker(EndpointCircuitConfig? Endpoint, DestinationCircuitConfig? Destination, FailureCodes? FailureCodes);
}
