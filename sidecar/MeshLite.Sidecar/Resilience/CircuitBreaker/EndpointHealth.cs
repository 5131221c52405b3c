namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>
/// Whether one endpoint is left alone for now. Read by the picker on every request, without locks; changed only by the
/// <see cref="OutlierEjector"/> of its Service, under its lock.
/// </summary>
internal sealed class EndpointHealth(TimeProvider time)
{
    private volatile EndpointHealthState _state;
    private volatile bool _isProbed;
    private volatile OutlierEjector? _ejector;
    private long _probeAt;

    /// <summary>Ejected, or half-open and so only for probes.</summary>
    public bool IsOut => _state != EndpointHealthState.Closed;

    /// <summary>As the admin pages say it.</summary>
    public EndpointHealthState State => _state;

    /// <summary>From when on it may be probed. <value>Null while it is not out.</value></summary>
    public DateTimeOffset? ProbeFrom => IsOut ? time.GetUtcNow() + time.GetElapsedTime(time.GetTimestamp(), Volatile.Read(ref _probeAt)) : null;

    /// <summary>Failures counted while it is not out.</summary>
    internal FailureTally Tally { get; } = new(time);

    /// <summary>Which ejection in a row this is, or the last one was. Under the ejector's lock.</summary>
    internal int Ejections { get; set; }

    /// <summary>Timestamp of when it came back. Under the ejector's lock.</summary>
    internal long BackSince { get; set; }

    /// <summary>Probes that went well since the ejection. Under the ejector's lock.</summary>
    internal int ProbeSuccesses { get; set; }

    /// <summary>It left the set: nothing ejects it any more. Under the ejector's lock.</summary>
    internal bool IsForgotten { get; set; }

    /// <summary>When it may be probed, as a timestamp. Under the ejector's lock.</summary>
    internal long ProbeAt => _probeAt;

    /// <summary>A probe is under way. Under the ejector's lock.</summary>
    internal bool IsProbed
    {
        get => _isProbed;
        set => _isProbed = value;
    }

    /// <summary>
    /// Whether the caller may send it a request although it is out: true for one at a time, once the ejection's time is over.
    /// After true, exactly one <see cref="OutlierEjector.Record"/> with <c>wasProbe</c> must follow, whatever comes of the
    /// request: the next probe waits for it.
    /// </summary>
    public bool TryProbe() =>
        IsOut && !_isProbed && time.GetTimestamp() >= Volatile.Read(ref _probeAt) && _ejector is { } ejector && ejector.TryBeginProbe(this);

    /// <summary>The ejector moves it to another state, and says until when where that is an ejection. Under its lock.</summary>
    internal void Move(EndpointHealthState to, OutlierEjector ejector, long probeAt)
    {
        _ejector = ejector;
        Volatile.Write(ref _probeAt, probeAt);
        _state = to;
    }
}

/// <summary>The states of a circuit breaker, for an endpoint.</summary>
internal enum EndpointHealthState
{
    /// <summary>In use.</summary>
    Closed,

    /// <summary>Out.</summary>
    Ejected,

    /// <summary>Out, but for one probe at a time.</summary>
    HalfOpen,
}
