using System.Globalization;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>The values of the B3 headers (https://github.com/openzipkin/b3-propagation). Stateless.</summary>
internal static class B3
{
    /// <summary>The single header.</summary>
    public const string Single = "b3";

    /// <summary>One of several.</summary>
    public const string TraceIdName = "X-B3-TraceId";

    /// <inheritdoc cref="TraceIdName"/>
    public const string SpanIdName = "X-B3-SpanId";

    /// <inheritdoc cref="TraceIdName"/>
    public const string ParentSpanIdName = "X-B3-ParentSpanId";

    /// <inheritdoc cref="TraceIdName"/>
    public const string SampledName = "X-B3-Sampled";

    /// <summary>As above; <c>1</c> is debug, which implies an accepting decision that is then not sent.</summary>
    public const string FlagsName = "X-B3-Flags";

    /// <summary>
    /// <c>{TraceId}-{SpanId}[-{SamplingState}[-{ParentSpanId}]]</c>, or a sampling state alone (<c>0</c>, <c>1</c>, <c>d</c>).
    /// </summary>
    public static bool TryParseSingle(ReadOnlySpan<char> value, out TraceContext context)
    {
        context = default;
        var first = value.IndexOf('-');
        if (first < 0)
        {
            var alone = SingleState(value);
            context = new TraceContext { Sampling = alone, Format = TraceFormat.B3Single };
            return alone != SamplingState.Deferred;
        }

        var rest = value[(first + 1)..];
        if (rest.Length < 16 || !SpanId.TryParse(rest[..16], out var span) || !TraceId.TryParse(value[..first], out var trace))
        {
            return false;
        }

        rest = rest[16..];
        var sampling = SamplingState.Deferred;
        if (!rest.IsEmpty)
        {
            sampling = rest.Length > 1 && rest[0] == '-' ? SingleState(rest[1..2]) : SamplingState.Deferred;
            if (sampling == SamplingState.Deferred)
            {
                return false;
            }

            rest = rest[2..];
            if (!rest.IsEmpty && (rest[0] != '-' || !SpanId.TryParse(rest[1..], out _)))
            {
                return false;
            }
        }

        context = new TraceContext { TraceId = trace, SpanId = span, Sampling = sampling, Format = TraceFormat.B3Single, HasShortId = first == 16 };
        return true;
    }

    /// <summary>The values of several headers; null: there is none of that name. Without ids, a decision alone is enough.</summary>
    public static bool TryParseMulti(string? traceId, string? spanId, string? sampled, string? flags, out TraceContext context)
    {
        var sampling = flags == "1" ? SamplingState.Debug : sampled switch
        {
            // "Before this specification was written, some tracers propagated X-B3-Sampled as true or false."
            "1" or "true" => SamplingState.Accepted,
            "0" or "false" => SamplingState.Denied,
            _ => SamplingState.Deferred,
        };
        context = new TraceContext { Sampling = sampling, Format = TraceFormat.B3Multi };
        if (traceId is null && spanId is null)
        {
            return sampling != SamplingState.Deferred;
        }

        if (!TraceId.TryParse(traceId, out var trace) || !SpanId.TryParse(spanId, out var span))
        {
            context = default;
            return false;
        }

        context = context with { TraceId = trace, SpanId = span, HasShortId = traceId!.Length == 16 };
        return true;
    }

    /// <summary>The single header's value for a request of <paramref name="span"/>.</summary>
    public static string FormatSingle(in RequestSpan span)
    {
        var state = span.Sampling switch { SamplingState.Debug => 'd', SamplingState.Accepted => '1', _ => '0' };
        return span.Parent.IsEmpty ? $"{FormatTraceId(in span)}-{span.Id}-{state}" : $"{FormatTraceId(in span)}-{span.Id}-{state}-{span.Parent}";
    }

    /// <summary>The trace's id, as long as it came.</summary>
    public static string FormatTraceId(in RequestSpan span) =>
        span.HasShortId ? span.TraceId.Low.ToString("x16", CultureInfo.InvariantCulture) : span.TraceId.ToString();

    private static SamplingState SingleState(ReadOnlySpan<char> value) => value switch
    {
        "0" => SamplingState.Denied,
        "1" => SamplingState.Accepted,
        "d" => SamplingState.Debug,
        _ => SamplingState.Deferred,
    };
}
