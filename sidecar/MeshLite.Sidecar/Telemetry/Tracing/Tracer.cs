using MeshLite.Model;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Begins a request's span. Parent-based: whoever began the trace has decided whether it is recorded, and a trace that
/// begins here is by <see cref="RatioSampler"/>. Without a collector sidecars are no participants: they make no spans, and
/// trace headers pass as they came, valid or not. One per sidecar; called by requests, from any thread.
/// </summary>
internal sealed class Tracer(Random random, SpanQueue spans)
{
    private volatile Settings? _settings;

    /// <summary>Follows the mesh's settings; requests under way keep what they began with.</summary>
    public void Configure(TracingConfig config)
    {
        spans.Configure(config);
        _settings = config.Endpoint is null ? null : new Settings(new RatioSampler(config.SamplingPercent));
    }

    /// <summary>
    /// Begins the span of a request with these headers and makes it the parent there. The default value, and untouched
    /// headers, where tracing is off.
    /// </summary>
    public RequestSpan Begin(IHeaderDictionary headers)
    {
        if (_settings is not { } settings)
        {
            return default;
        }

        if (!Propagation.TryRead(headers, out var context))
        {
            context = default;
        }

        var trace = context.TraceId.IsEmpty ? NewTraceId() : context.TraceId;
        var sampling = context.Sampling != SamplingState.Deferred ? context.Sampling
            : settings.Sampler.IsSampled(trace) ? SamplingState.Accepted : SamplingState.Denied;
        var span = new RequestSpan
        {
            TraceId = trace,
            Id = NewSpanId(),
            Parent = context.SpanId,
            Sampling = sampling,
            Format = context.Format,
            HasShortId = context.HasShortId,
        };
        Propagation.Write(headers, in span);
        return span;
    }

    /// <summary>Whether a request's span is to be exported: it is sampled, or the request failed. What the next hop was told stays as it was.</summary>
    public static bool Exports(in RequestSpan span, bool failed) => span.IsSampled || (failed && span.IsStarted);

    /// <summary>Hands a span that ended to the export.</summary>
    public void Export(in SpanRecord span) => spans.Add(in span);

    // Not zero in the lower half, so that neither the whole nor a 64-bit reading of it is.
    private TraceId NewTraceId() => new((ulong)random.NextInt64(long.MinValue, long.MaxValue), NewSpanId().Value);

    private SpanId NewSpanId()
    {
        while (true)
        {
            if (random.NextInt64(long.MinValue, long.MaxValue) is not 0 and var id)
            {
                return new SpanId((ulong)id);
            }
        }
    }

    private sealed record Settings(RatioSampler Sampler);
}
