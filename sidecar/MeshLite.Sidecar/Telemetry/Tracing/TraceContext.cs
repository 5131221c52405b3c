namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>How a trace travels; a request is continued in the format it came in.</summary>
internal enum TraceFormat : byte
{
    /// <summary><c>traceparent</c> and <c>tracestate</c>; also of traces that begin here.</summary>
    W3C,

    /// <summary><c>b3</c>.</summary>
    B3Single,

    /// <summary><c>X-B3-TraceId</c> and its kin.</summary>
    B3Multi,
}

/// <summary>Whether a trace is recorded, as far as it has been decided.</summary>
internal enum SamplingState : byte
{
    /// <summary>B3 only: left to whoever receives it.</summary>
    Deferred,

    /// <summary>No.</summary>
    Denied,

    /// <summary>Yes.</summary>
    Accepted,

    /// <summary>B3 only: yes, and whoever samples further on must keep it.</summary>
    Debug,
}

/// <summary>
/// What a request says of the trace it belongs to. B3 may bring a decision without a trace (<c>b3: 0</c>); then
/// <see cref="TraceId"/> is empty. Immutable.
/// </summary>
internal readonly record struct TraceContext
{
    /// <summary>The trace.</summary>
    public TraceId TraceId { get; init; }

    /// <summary>The caller's span.</summary>
    public SpanId SpanId { get; init; }

    /// <summary>What was decided.</summary>
    public SamplingState Sampling { get; init; }

    /// <summary>How it came.</summary>
    public TraceFormat Format { get; init; }

    /// <summary>The trace's id came as 16 digits, and goes on so.</summary>
    public bool HasShortId { get; init; }
}
