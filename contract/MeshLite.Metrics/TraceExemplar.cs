using System.Globalization;

namespace MeshLite.Metrics;

/// <summary>The span an observation belongs to, by its W3C ids; the default value is none. Immutable.</summary>
public readonly record struct TraceExemplar(ulong TraceIdHigh, ulong TraceIdLow, ulong SpanId)
{
    /// <summary>Bytes of <see cref="WriteLabels"/>. The limit is 128 characters of names and values; these have 63.</summary>
    internal const int LabelsLength = 72;

    /// <summary>No span.</summary>
    public bool IsEmpty => SpanId == 0;

    /// <summary><c>{trace_id="…",span_id="…"}</c>, the names OpenTelemetry and Grafana look for.</summary>
    internal void WriteLabels(Span<byte> target)
    {
        "{trace_id=\""u8.CopyTo(target);
        TraceIdHigh.TryFormat(target[11..], out _, "x16", CultureInfo.InvariantCulture);
        TraceIdLow.TryFormat(target[27..], out _, "x16", CultureInfo.InvariantCulture);
        "\",span_id=\""u8.CopyTo(target[43..]);
        SpanId.TryFormat(target[54..], out _, "x16", CultureInfo.InvariantCulture);
        "\"}"u8.CopyTo(target[70..]);
    }
}

/// <summary>An observation and its span, the last of a bucket. Immutable.</summary>
internal sealed record Exemplar(TraceExemplar Trace, double Value, DateTimeOffset Time);
