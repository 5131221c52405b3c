namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// The header <c>traceparent</c> of W3C Trace Context level 1 (https://www.w3.org/TR/trace-context-1/, whose sections are
/// cited here), to the letter. Stateless.
/// </summary>
internal static class TraceParent
{
    /// <summary>Its name; also https://www.w3.org/TR/trace-context-1/#tracestate-header belongs to it.</summary>
    public const string Name = "traceparent";

    /// <summary>Characters of version 00.</summary>
    private const int Length = 55;

    /// <summary><c>00-{32 hex}-{16 hex}-{2 hex}</c> (§3.2.2); later versions may go on after that with a dash (§4.3).</summary>
    public static bool TryParse(ReadOnlySpan<char> value, out TraceContext context)
    {
        context = default;
        if (value.Length < Length || value[2] != '-' || value[35] != '-' || value[52] != '-'
            || !Hex.TryParse(value[..2], out var version) || version == 0xff || !Hex.TryParse(value[53..55], out var flags))
        {
            return false;
        }

        if (value.Length > Length && (version == 0 || value[Length] != '-'))
        {
            return false;
        }

        if (!TraceId.TryParse(value[3..35], out var trace) || !SpanId.TryParse(value[36..52], out var span))
        {
            return false;
        }

        context = new TraceContext
        {
            TraceId = trace,
            SpanId = span,
            Sampling = (flags & 1) != 0 ? SamplingState.Accepted : SamplingState.Denied,
            Format = TraceFormat.W3C,
        };
        return true;
    }

    /// <summary>
    /// Version 00, the highest known here, whatever version came (§4.3). Of the flags only <c>sampled</c> is defined; the
    /// others must be zero (§3.2.2.5.2).
    /// </summary>
    public static string Format(TraceId trace, SpanId span, bool sampled) => string.Create(Length, (trace, span, sampled), static (text, value) =>
    {
        "00-".CopyTo(text);
        value.trace.TryFormat(text[3..]);
        text[35] = '-';
        Hex.Format(value.span.Value, text[36..]);
        (value.sampled ? "-01" : "-00").CopyTo(text[52..]);
    });
}
