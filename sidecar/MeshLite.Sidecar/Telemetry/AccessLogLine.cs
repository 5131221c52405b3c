using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using MeshLite.Sidecar.Routing;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// Writes one record as one line of JSON, the fields of design.md §3 Access log and no others. No header values, and of
/// the request target the path only: queries carry tokens, session ids and people's data, and an absolute target may
/// carry a password. Unknown text is empty, an unknown number null. Used by the access log's writer only.
/// </summary>
internal sealed class AccessLogLine
{
    /// <summary>Longer paths are cut, so that a line fits the pipe's atomic write. <value>2,048 characters.</value></summary>
    private const int MaxPathLength = 2048;

    private static readonly JsonWriterOptions Options = new()
    {
        // Nothing here goes into a page, and "+" or "é" should stay readable.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private readonly Utf8JsonWriter _json = new(Stream.Null, Options);

    public void Write(IBufferWriter<byte> output, in RequestRecord record)
    {
        _json.Reset(output);
        _json.WriteStartObject();
        WriteTime(record.Time);
        WriteTraceId(record.TraceId);
        _json.WriteString("direction"u8, LabelText.Direction(record.Direction));
        _json.WriteString("source"u8, Qualified(record.SourceNamespace, record.SourceWorkload));
        _json.WriteString("destination"u8, Qualified(record.DestinationNamespace, record.DestinationService));
        _json.WriteString("route"u8, record.Route);
        _json.WriteString("endpoint"u8, record.Endpoint?.ToString() ?? "");
        _json.WriteString("method"u8, record.Method);
        _json.WriteString("path"u8, Path(in record));
        _json.WriteString("protocol"u8, record.Protocol);
        _json.WriteNumber("status"u8, record.Status);
        WriteNumber("grpc_status"u8, record.GrpcStatus);
        _json.WriteString("reason"u8, record.Reason);
        _json.WriteNumber("attempts"u8, record.Attempts);
        WriteNumber("duration_ms"u8, Milliseconds(record.Duration));
        WriteNumber("upstream_ms"u8, record.Upstream is { } upstream ? Milliseconds(upstream) : null);
        _json.WriteNumber("request_bytes"u8, record.RequestBytes);
        _json.WriteNumber("response_bytes"u8, record.ResponseBytes);
        _json.WriteBoolean("tls"u8, record.Tls);
        _json.WriteEndObject();
        _json.Flush();
        output.Write("\n"u8);
    }

    /// <summary>The path of the request, without query or authority, cut where it is very long.</summary>
    internal static ReadOnlySpan<char> Path(in RequestRecord record)
    {
        var path = PathNormalizer.Normalize(record.Target, isConnect: record.Method == "CONNECT").LogPath;
        return path.Length > MaxPathLength ? path[..MaxPathLength] : path;
    }

    private static string Qualified(string ns, string name) => ns.Length == 0 ? name : $"{ns}/{name}";

    private static double Milliseconds(TimeSpan time) => Math.Round(time.TotalMilliseconds, 3);

    private void WriteTime(DateTimeOffset time)
    {
        Span<char> text = stackalloc char[24];
        time.UtcDateTime.TryFormat(text, out var length, "yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);
        _json.WriteString("time"u8, text[..length]);
    }

    private void WriteTraceId(TraceId traceId)
    {
        Span<char> text = stackalloc char[TraceId.Length];
        traceId.TryFormat(text);
        _json.WriteString("trace_id"u8, traceId.IsEmpty ? default : text);
    }

    private void WriteNumber(ReadOnlySpan<byte> name, double? value)
    {
        if (value is { } number)
        {
            _json.WriteNumber(name, number);
        }
        else
        {
            _json.WriteNull(name);
        }
    }
}
