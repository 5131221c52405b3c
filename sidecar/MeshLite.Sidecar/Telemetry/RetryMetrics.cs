using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// Counts what is sent more than once, by whom it goes to and why: only where something has failed, so a series is looked
/// up each time. One per sidecar; thread-safe.
/// </summary>
internal sealed class RetryMetrics
{
    private readonly CounterFamily _retries;
    private readonly CounterFamily _withheld;
    private readonly CounterFamily _mirrors;

    public RetryMetrics(MetricRegistry registry)
    {
        _retries = registry.AddCounter("meshlite_retries_total", "Attempts after a request's first, by why it was sent again.", new FamilyOptions(),
            "destination_service", "destination_namespace", "reason");
        _withheld = registry.AddCounter("meshlite_retries_withheld_total", "Attempts that were not made because the destination's retry budget was spent.", new FamilyOptions(),
            "destination_service", "destination_namespace");
        _mirrors = registry.AddCounter("meshlite_mirrored_requests_total", "Copies of requests, by what became of them.", new FamilyOptions(),
            "destination_service", "destination_namespace", "result");
    }

    /// <summary>A request is sent again; what reached nobody says why in the words of its error.</summary>
    public void Retried(ServiceRef service, RetryCause cause, ProxyError? error) =>
        _retries.Series(service.Name, service.Namespace, cause.Kind == RetryCauseKind.Undelivered && error is not null ? ErrorReasons.Label(error.Reason) : RetryPolicy.Label(cause)).Increment();

    /// <summary>A request to the application beside this sidecar is sent again.</summary>
    public void Inbound(Exception e) =>
        _retries.Series("_application", "", ForwardErrors.FromSend(e) is { Undelivered: true } error ? ErrorReasons.Label(error.Reason) : RetryPolicy.Label(RetryCause.Reset)).Increment();

    /// <summary>It would have been.</summary>
    public void Withheld(ServiceRef service) => _withheld.Series(service.Name, service.Namespace).Increment();

    /// <summary>A copy has ended.</summary>
    public void Mirrored(ServiceRef service, string result) => _mirrors.Series(service.Name, service.Namespace, result).Increment();
}
