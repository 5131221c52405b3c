namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>A request that ended, as it waits for export. Immutable.</summary>
internal readonly record struct SpanRecord
{
    /// <summary>Everything unknown.</summary>
    public SpanRecord()
    {
    }

    /// <summary>Its span.</summary>
    public RequestSpan Span { get; init; }

    /// <summary>How it went.</summary>
    public RequestRecord Request { get; init; }

    /// <summary>The authority asked for.</summary>
    public HostString Host { get; init; }

    /// <summary>As it came, if it goes on.</summary>
    public string? TraceState { get; init; }

    /// <summary>The sentence of an error the mesh made, or answered with a fallback.</summary>
    public string? Problem { get; init; }
}
