namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// This sidecar's part in a request's trace: one span, outbound of kind client, inbound of kind server, however many
/// attempts it takes. Kept in the request's state; the default value is none, while tracing is off. Immutable.
/// </summary>
internal readonly record struct RequestSpan
{
    /// <summary>The trace.</summary>
    public TraceId TraceId { get; init; }

    /// <summary>Made here, and what the next hop takes for its parent.</summary>
    public SpanId Id { get; init; }

    /// <summary>The caller's span. <value>Empty: the trace begins here.</value></summary>
    public SpanId Parent { get; init; }

    /// <summary>Decided by whoever began the trace; never <see cref="SamplingState.Deferred"/> in a span that has begun.</summary>
    public SamplingState Sampling { get; init; }

    /// <summary>How it came and goes on.</summary>
    public TraceFormat Format { get; init; }

    /// <inheritdoc cref="TraceContext.HasShortId"/>
    public bool HasShortId { get; init; }

    /// <summary>Whether there is one.</summary>
    public bool IsStarted => !Id.IsEmpty;

    /// <summary>Whether it is to be exported whatever becomes of the request.</summary>
    public bool IsSampled => Sampling >= SamplingState.Accepted;
}
