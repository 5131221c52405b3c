using System.Net;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>Which way a request went through this sidecar.</summary>
internal enum Direction
{
    /// <summary>From the application into the mesh.</summary>
    Outbound,

    /// <summary>From the mesh to the application.</summary>
    Inbound,
}

/// <summary>
/// What is known of a request at its end: made once by the pipeline, read by <see cref="RequestMetrics"/> and
/// <see cref="AccessLog"/>. Strings are never null, empty where not known, and come from configuration or fixed
/// vocabularies wherever they are labels: nothing a caller can make up may grow a label. Immutable.
/// </summary>
internal readonly record struct RequestRecord
{
    /// <summary>Everything unknown.</summary>
    public RequestRecord()
    {
    }

    /// <summary>When the request arrived.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The trace it belongs to, if any; known where somebody wants it: the access log, or the export of its span.</summary>
    public TraceId TraceId { get; init; }

    /// <summary>Its span, if that is exported.</summary>
    public SpanId ExportedSpan { get; init; }

    /// <summary>Which way it went.</summary>
    public Direction Direction { get; init; }

    /// <summary>The calling workload; inbound only where the hop's certificate agrees.</summary>
    public string SourceWorkload { get; init; } = "";

    /// <summary>The calling workload's namespace.</summary>
    public string SourceNamespace { get; init; } = "";

    /// <summary>The service called; all hosts outside the mesh share one value.</summary>
    public string DestinationService { get; init; } = "";

    /// <summary>That service's namespace.</summary>
    public string DestinationNamespace { get; init; } = "";

    /// <summary>The workload that answered, or was last tried.</summary>
    public string DestinationWorkload { get; init; } = "";

    /// <summary>That workload's <c>version</c> label.</summary>
    public string DestinationVersion { get; init; } = "";

    /// <summary>Name of the rule that matched.</summary>
    public string Route { get; init; } = "";

    /// <summary>Where it was last sent; null: nowhere.</summary>
    public IPEndPoint? Endpoint { get; init; }

    /// <summary>As sent; metrics know the methods of RFC 9110 and PATCH, all others are <c>_other</c>.</summary>
    public string Method { get; init; } = "";

    /// <summary>The raw request target; the access log cuts it to its path.</summary>
    public string Target { get; init; } = "";

    /// <summary>Between caller and this sidecar: <c>HTTP/1.1</c>, <c>HTTP/2</c>.</summary>
    public string Protocol { get; init; } = "";

    /// <summary>What the caller got; 0: nothing, it went away or was cut off before.</summary>
    public int Status { get; init; }

    /// <summary>From the response's trailers. <value>Null: not a gRPC call, or it ended without one.</value></summary>
    public int? GrpcStatus { get; init; }

    /// <summary>Why the mesh answered instead of the application (design.md §3 Errors); empty: it did not.</summary>
    public string Reason { get; init; } = "";

    /// <summary>How often it was sent.</summary>
    public int Attempts { get; init; }

    /// <summary>From its arrival to the end of the response.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>From the last attempt's start to the response's headers. <value>Null: none came.</value></summary>
    public TimeSpan? Upstream { get; init; }

    /// <summary>Body bytes read from the caller.</summary>
    public long RequestBytes { get; init; }

    /// <summary>Body bytes written to the caller.</summary>
    public long ResponseBytes { get; init; }

    /// <summary>Whether the hop between sidecars was mTLS.</summary>
    public bool Tls { get; init; }

    /// <summary>What access logs of failures show: server errors, errors made by the mesh, gRPC errors.</summary>
    public bool Failed => Status >= 500 || Reason.Length > 0 || GrpcStatus is > 0;
}
