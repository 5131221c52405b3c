using Microsoft.Extensions.Primitives;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Reads the trace a request belongs to out of its headers, and writes this sidecar's span into them. W3C goes before B3,
/// the single B3 header before several; the headers of the formats that were not read are left as they came. Stateless.
/// </summary>
internal static class Propagation
{
    /// <summary>
    /// False: no trace, or a <c>traceparent</c> that is not valid (then B3 is not asked: the caller speaks W3C).
    /// Allocates nothing.
    /// </summary>
    public static bool TryRead(IHeaderDictionary headers, out TraceContext context)
    {
        context = default;
        var traceparent = headers.TraceParent;
        if (traceparent.Count > 0)
        {
            // §3.2: there is one; several cannot be told right from wrong.
            return traceparent.Count == 1 && TraceParent.TryParse(traceparent[0], out context);
        }

        if (headers.TryGetValue(B3.Single, out var single))
        {
            return single.Count == 1 && B3.TryParseSingle(single[0], out context);
        }

        return TryOne(headers, B3.TraceIdName, out var traceId)
            && TryOne(headers, B3.SpanIdName, out var spanId)
            && TryOne(headers, B3.SampledName, out var sampled)
            && TryOne(headers, B3.FlagsName, out var flags)
            && B3.TryParseMulti(traceId, spanId, sampled, flags, out context);
    }

    /// <summary>
    /// Makes the span the parent of whatever the next hop does. Of a trace that begins here there can be no valid
    /// <c>tracestate</c>, so one that came is dropped (W3C §4.3); else it passes as it is.
    /// </summary>
    public static void Write(IHeaderDictionary headers, in RequestSpan span)
    {
        switch (span.Format)
        {
            case TraceFormat.W3C:
                headers.TraceParent = TraceParent.Format(span.TraceId, span.Id, span.IsSampled);
                if (span.Parent.IsEmpty)
                {
                    headers.TraceState = StringValues.Empty;
                }

                break;
            case TraceFormat.B3Single:
                headers[B3.Single] = B3.FormatSingle(in span);
                break;
            default:
                headers[B3.TraceIdName] = B3.FormatTraceId(in span);
                headers[B3.SpanIdName] = span.Id.ToString();
                headers[B3.ParentSpanIdName] = span.Parent.IsEmpty ? StringValues.Empty : span.Parent.ToString();
                headers[B3.SampledName] = span.Sampling switch
                {
                    SamplingState.Debug => StringValues.Empty,
                    SamplingState.Accepted => "1",
                    _ => "0",
                };
                break;
        }
    }

    /// <summary>False: the header is there more than once, and nobody can tell which is right.</summary>
    private static bool TryOne(IHeaderDictionary headers, string name, out string? value)
    {
        value = headers.TryGetValue(name, out var values) && values.Count > 0 ? values[0] : null;
        return values.Count <= 1;
    }
}
