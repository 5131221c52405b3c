using System.Diagnostics;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// What a span says of its request, by the semantic conventions for HTTP and RPC, and <c>meshlite.*</c> for what they have
/// no word for. No query and no header values: they carry secrets. Stateless.
/// </summary>
internal static class SpanAttributes
{
    private const string OtherMethod = "_OTHER";

    /// <summary>The names of https://grpc.github.io/grpc/core/md_doc_statuscodes.html.</summary>
    private static readonly string[] GrpcStatuses =
    [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ];

    /// <summary>
    /// <c>{method} {route}</c>, the route being the rule's name: nothing a caller can make up. A method nobody knows is
    /// <c>HTTP</c>, as the conventions want it.
    /// </summary>
    public static string Name(in RequestRecord request)
    {
        var method = LabelText.Method(request.Method);
        method = method == LabelText.Other ? "HTTP" : method;
        return request.Route.Length > 0 ? $"{method} {request.Route}" : method;
    }

    /// <summary>Sets attributes and status.</summary>
    public static void Set(Activity activity, in SpanRecord record)
    {
        var request = record.Request;
        var method = LabelText.Method(request.Method);
        activity.SetTag("http.request.method", method == LabelText.Other ? OtherMethod : method);
        if (method == LabelText.Other)
        {
            activity.SetTag("http.request.method_original", request.Method);
        }

        activity.SetTag("url.scheme", "http");
        activity.SetTag("url.path", AccessLogLine.Path(in request).ToString());
        if (record.Host.HasValue)
        {
            activity.SetTag("server.address", record.Host.Host);
            activity.SetTag("server.port", record.Host.Port ?? 80);
        }

        activity.SetTag("network.protocol.version", request.Protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? request.Protocol[5..] : request.Protocol);
        if (request.Status > 0)
        {
            activity.SetTag("http.response.status_code", request.Status);
        }

        if (request.Endpoint is { } endpoint)
        {
            activity.SetTag("network.peer.address", endpoint.Address.ToString());
            activity.SetTag("network.peer.port", endpoint.Port);
        }

        if (request is { Direction: Direction.Outbound, Attempts: > 1 })
        {
            activity.SetTag("http.request.resend_count", request.Attempts - 1);
        }

        if (request.GrpcStatus is { } status)
        {
            activity.SetTag("rpc.system.name", "grpc");
            activity.SetTag("rpc.method", AccessLogLine.Path(in request).TrimStart('/').ToString());
            activity.SetTag("rpc.response.status_code", GrpcStatusName(status));
        }

        SetMesh(activity, in request);
        SetStatus(activity, in record);
    }

    private static void SetMesh(Activity activity, in RequestRecord request)
    {
        SetText(activity, "meshlite.route", request.Route);
        SetText(activity, "meshlite.reason", request.Reason);
        SetText(activity, "meshlite.source.workload", request.SourceWorkload);
        SetText(activity, "meshlite.source.namespace", request.SourceNamespace);
        SetText(activity, "meshlite.destination.service", request.DestinationService);
        SetText(activity, "meshlite.destination.namespace", request.DestinationNamespace);
        SetText(activity, "meshlite.destination.workload", request.DestinationWorkload);
        SetText(activity, "meshlite.destination.version", request.DestinationVersion);
        activity.SetTag("meshlite.tls", request.Tls);
    }

    private static void SetText(Activity activity, string name, string value)
    {
        if (value.Length > 0)
        {
            activity.SetTag(name, value);
        }
    }

    private static void SetStatus(Activity activity, in SpanRecord record)
    {
        var request = record.Request;
        if (ErrorType(in request) is { } type)
        {
            activity.SetTag("error.type", type);
            activity.SetStatus(ActivityStatusCode.Error, record.Problem);
        }
        else if (request.Status == 0)
        {
            // The caller left: no error of anybody's.
            activity.SetTag("error.type", "cancelled");
        }
    }

    /// <summary>
    /// Null: no error. The mesh's own reason, else the status: of HTTP from 400 (client) or 500 (server) on, of gRPC all but
    /// OK (client) or those that blame the server.
    /// </summary>
    private static string? ErrorType(in RequestRecord request)
    {
        if (request.Reason.Length > 0)
        {
            return request.Reason;
        }

        var isClient = request.Direction == Direction.Outbound;
        if (request.GrpcStatus is { } grpc)
        {
            var isError = grpc != 0 && (isClient || (GrpcStatusCode)grpc is GrpcStatusCode.Unknown or GrpcStatusCode.DeadlineExceeded
                or GrpcStatusCode.Unimplemented or GrpcStatusCode.Internal or GrpcStatusCode.Unavailable or GrpcStatusCode.DataLoss);
            return isError ? GrpcStatusName(grpc) : null;
        }

        return request.Status >= (isClient ? 400 : 500) ? LabelText.Status(request.Status) : null;
    }

    private static string GrpcStatusName(int status) => (uint)status < (uint)GrpcStatuses.Length ? GrpcStatuses[status] : LabelText.GrpcStatus(status);
}
