using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// Reads the trace a request belongs to, for the access log. Sidecars make no spans of their own, so they are no
/// participants: <c>traceparent</c>, <c>tracestate</c> and the B3 headers pass on as they came, valid or not.
/// W3C Trace Context level 1 (https://www.w3.org/TR/trace-context-1/) goes before B3
/// (https://github.com/openzipkin/b3-propagation), single header before several. Stateless, allocates nothing.
/// </summary>
internal static class TraceContext
{
    /// <summary>
    /// False: no trace, or a <c>traceparent</c> that is not valid (then B3 is not asked: the caller speaks W3C).
    /// </summary>
    public static bool TryGetTraceId(IHeaderDictionary headers, out TraceId traceId)
    {
        traceId = default;
        if (headers.TryGetValue("traceparent", out var traceparent))
        {
            // §3.2: there is one; several cannot be told right from wrong.
            return traceparent.Count == 1 && TryParseTraceParent(traceparent[0], out traceId);
        }

        if (headers.TryGetValue("b3", out var single))
        {
            return single.Count == 1 && TryParseB3(single[0], out traceId);
        }

        return headers.TryGetValue("x-b3-traceid", out var id) && id.Count == 1
            && headers.TryGetValue("x-b3-spanid", out var span) && span.Count == 1
            && IsId(span[0])
            && TryParseId(id[0], out traceId);
    }

    /// <summary><c>00-{32 hex}-{16 hex}-{2 hex}</c> (§3.2.2); later versions may go on after that with a dash (§4.3).</summary>
    internal static bool TryParseTraceParent(ReadOnlySpan<char> value, out TraceId traceId)
    {
        const int Length = 55;
        traceId = default;
        if (value.Length < Length || value[2] != '-' || value[35] != '-' || value[52] != '-'
            || !IsHex(value[..2]) || !IsHex(value[53..55]) || value[..2] is "ff")
        {
            return false;
        }

        if (value.Length > Length && (value[..2] is "00" || value[Length] != '-'))
        {
            return false;
        }

        return IsId(value[36..52]) && TryParseId(value[3..35], out traceId);
    }

    /// <summary>
    /// <c>{TraceId}-{SpanId}[-{SamplingState}[-{ParentSpanId}]]</c>. A sampling state alone (<c>0</c>, <c>1</c>, <c>d</c>) names no trace.
    /// </summary>
    internal static bool TryParseB3(ReadOnlySpan<char> value, out TraceId traceId)
    {
        traceId = default;
        var first = value.IndexOf('-');
        if (first < 0)
        {
            return false;
        }

        var rest = value[(first + 1)..];
        if (rest.Length < 16 || !IsId(rest[..16]))
        {
            return false;
        }

        rest = rest[16..];
        if (!rest.IsEmpty)
        {
            if (rest.Length < 2 || rest[0] != '-' || rest[1] is not ('0' or '1' or 'd'))
            {
                return false;
            }

            rest = rest[2..];
            if (!rest.IsEmpty && (rest[0] != '-' || !IsId(rest[1..])))
            {
                return false;
            }
        }

        return TryParseId(value[..first], out traceId);
    }

    private static bool TryParseId(ReadOnlySpan<char> hex, out TraceId traceId)
    {
        traceId = hex.Length switch
        {
            32 when IsHex(hex) => new TraceId(Parse(hex[..16]), Parse(hex[16..])),
            16 when IsHex(hex) => new TraceId(0, Parse(hex)),
            _ => default,
        };
        return !traceId.IsEmpty;
    }

    /// <summary>A span's id: 16 digits, not all zero.</summary>
    private static bool IsId(ReadOnlySpan<char> hex) => hex.Length == 16 && IsHex(hex) && hex.ContainsAnyExcept('0');

    /// <summary>Lower case only: both specifications say so.</summary>
    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (c is not ((>= '0' and <= '9') or (>= 'a' and <= 'f')))
            {
                return false;
            }
        }

        return true;
    }

    private static ulong Parse(ReadOnlySpan<char> hex)
    {
        ulong value = 0;
        foreach (var c in hex)
        {
            value = (value << 4) | (uint)(c <= '9' ? c - '0' : c - 'a' + 10);
        }

        return value;
    }
}
