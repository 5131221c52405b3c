using MeshLite.Metrics;

namespace MeshLite.ControlPlane;

/// <summary>Every series of the control plane, in one place. Made once by the composition root; thread-safe.</summary>
public sealed class ControlPlaneMetrics
{
    private readonly CounterFamily _rejected;
    private readonly CounterFamily _streamsEnded;
    private readonly CounterFamily _admissions;
    private readonly CounterFamily _operatorCalls;
    private readonly CounterFamily _refused;
    private readonly CounterSeries _updates;
    private readonly CounterSeries _updateBytes;
    private readonly HistogramSeries _ackSeconds;
    private readonly GaugeSeries _sidecars;
    private readonly GaugeSeries _waiting;

    /// <summary>Registers the families.</summary>
    public ControlPlaneMetrics(MetricRegistry registry)
    {
        _rejected = registry.AddCounter(
            "meshlite_config_rejected_total", "Configuration refused: documents by the control plane, compiled resources by sidecars.", "source", "kind");
        _streamsEnded = registry.AddCounter("meshlite_config_streams_ended_total", "Configuration streams that ended, by gRPC status.", "status");
        _admissions = registry.AddCounter("meshlite_admission_requests_total", "Questions of the API server, by webhook and answer.", "webhook", "result");
        _operatorCalls = registry.AddCounter("meshlite_operator_calls_total", "Calls of the operator's methods, by method and result: ok, denied, failed.", "method", "result");
        _refused = registry.AddCounter(
            "meshlite_connections_refused_total", "Connections refused for what they are, or sent before it became a request, by listener and reason.", "listener", "reason");
        _updates = registry.AddCounter("meshlite_config_updates_total", "Updates sent to sidecars.").Series();
        _updateBytes = registry.AddCounter("meshlite_config_update_bytes_total", "Bytes of the resources in updates sent.").Series();
        _ackSeconds = registry.AddHistogram(
            "meshlite_config_ack_seconds", "From noticing a change to the acknowledgement of a sidecar that it is in force.").Series();
        _sidecars = registry.AddGauge("meshlite_sidecars_connected", "Configuration streams open.").Series();
        _waiting = registry.AddGauge("meshlite_config_updates_waiting", "Configuration streams that wait for their turn to be sent an update.").Series();
    }

    /// <summary>A document was refused; <paramref name="document"/> begins with its kind, or is empty.</summary>
    public void DocumentRejected(string document) => _rejected.Series("document", KindOf(document)).Increment();

    /// <summary>A sidecar refused a resource; its key begins with its kind.</summary>
    public void ResourceRejected(string key) => _rejected.Series("sidecar", KindOf(key)).Increment();

    /// <summary>The API server got an answer from a webhook.</summary>
    public void AdmissionAnswered(string webhook, string result) => _admissions.Series(webhook, result).Increment();

    /// <summary>Somebody called a method of <c>meshlite.v1.Operator</c>.</summary>
    public void OperatorCalled(string method, string result) => _operatorCalls.Series(method, result).Increment();

    /// <summary>A connection of a port was refused.</summary>
    public void ConnectionRefused(string listener, string reason) => _refused.Series(listener, reason).Increment();

    /// <summary>A stream began.</summary>
    public void StreamBegan() => _sidecars.Add(1);

    /// <summary>A stream ended.</summary>
    public void StreamEnded(string status)
    {
        _sidecars.Add(-1);
        _streamsEnded.Series(status).Increment();
    }

    /// <summary>An Update was sent.</summary>
    public void UpdateSent(int bytes)
    {
        _updates.Increment();
        _updateBytes.Add((long)bytes);
    }

    /// <summary>So many streams more wait for their turn, or fewer.</summary>
    public void UpdatesWaiting(int change) => _waiting.Add(change);

    /// <summary>A change is in force at a sidecar.</summary>
    public void Acknowledged(TimeSpan sinceChange) => _ackSeconds.Observe(sinceChange.TotalSeconds);

    private static string KindOf(string name) => name.Split(' ', '/')[0] is { Length: > 0 and <= 32 } kind ? kind : "file";
}
