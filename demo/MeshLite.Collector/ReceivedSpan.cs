using System.Globalization;
using MeshLite.Collector.Wire;

namespace MeshLite.Collector;

/// <summary>A span as a collector got it: ids in hexadecimal digits, empty where there is none; attributes as text. Immutable.</summary>
public sealed record ReceivedSpan
{
    internal ReceivedSpan(Resource resource, string scope, Span span)
    {
        Resource = Texts(resource.Attributes);
        Scope = scope;
        TraceId = Convert.ToHexStringLower(span.TraceId.Span);
        Id = Convert.ToHexStringLower(span.SpanId.Span);
        Parent = Convert.ToHexStringLower(span.ParentSpanId.Span);
        TraceState = span.TraceState;
        Name = span.Name;
        Kind = span.Kind.ToString();
        Start = span.StartTimeUnixNano;
        End = span.EndTimeUnixNano;
        Attributes = Texts(span.Attributes);
        Status = (span.Status?.Code ?? Wire.Status.Types.Code.Unset).ToString();
        StatusMessage = span.Status?.Message ?? "";
        Sampled = (span.Flags & 1) != 0;
    }

    /// <summary>Attributes of who sent it.</summary>
    public IReadOnlyDictionary<string, string> Resource { get; }

    /// <summary><c>service.name</c> of it.</summary>
    public string Service => Resource.GetValueOrDefault("service.name", "");

    /// <summary>Name of the instrumentation.</summary>
    public string Scope { get; }

    public string TraceId { get; }

    public string Id { get; }

    public string Parent { get; }

    public string TraceState { get; }

    public string Name { get; }

    /// <summary><c>Client</c>, <c>Server</c>, …</summary>
    public string Kind { get; }

    /// <summary>Nanoseconds since 1970.</summary>
    public ulong Start { get; }

    /// <inheritdoc cref="Start"/>
    public ulong End { get; }

    public IReadOnlyDictionary<string, string> Attributes { get; }

    /// <summary><c>Unset</c>, <c>Ok</c>, <c>Error</c>.</summary>
    public string Status { get; }

    public string StatusMessage { get; }

    /// <summary>The trace flag.</summary>
    public bool Sampled { get; }

    private static Dictionary<string, string> Texts(IEnumerable<Wire.Attribute> attributes) => attributes.ToDictionary(
        attribute => attribute.Key,
        attribute => attribute.Value.ValueCase switch
        {
            Value.ValueOneofCase.Text => attribute.Value.Text,
            Value.ValueOneofCase.Flag => attribute.Value.Flag ? "true" : "false",
            Value.ValueOneofCase.Whole => attribute.Value.Whole.ToString(CultureInfo.InvariantCulture),
            Value.ValueOneofCase.Number => attribute.Value.Number.ToString("R", CultureInfo.InvariantCulture),
            _ => "",
        });
}
