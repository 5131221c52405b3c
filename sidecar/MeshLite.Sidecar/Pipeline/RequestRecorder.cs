using MeshLite.Model;
using MeshLite.Sidecar.Config;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Telemetry.Tracing;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>The record stage of both directions: one <see cref="RequestRecord"/> for metrics, access log and span. One per program; thread-safe.</summary>
internal sealed class RequestRecorder(MeshState mesh, RequestMetrics metrics, AccessLog log, Tracer tracer, TimeProvider time)
{
    /// <summary>Shared by all hosts outside the mesh: host names are the application's to make up, labels are not.</summary>
    private const string Outside = "_outside";

    /// <summary>Begins the request's span, before anything else: its headers then name this sidecar to whoever is next.</summary>
    public void Begin(RequestState state) => state.Span = tracer.Begin(state.Context.Request.Headers);

    /// <summary>Records a request of the application.</summary>
    public void Outbound(RequestState state)
    {
        var self = mesh.Workload;
        var service = state.Destination is { Kind: DestinationKind.Service } destination ? destination.Service : default(ServiceRef?);
        var endpoint = state.Endpoint;
        Record(state, Describe(state) with
        {
            Direction = Direction.Outbound,
            SourceWorkload = self?.Workload ?? "",
            SourceNamespace = self?.Identity.Namespace ?? "",
            DestinationService = service?.Name ?? Outside,
            DestinationNamespace = service?.Namespace ?? "",
            DestinationWorkload = endpoint?.Config.Workload ?? "",
            DestinationVersion = endpoint?.Version ?? "",
            Route = state.Rule?.Name ?? "",
            Endpoint = endpoint?.Config.Address,
            Tls = endpoint?.Config.Identity is not null,
        });
    }

    /// <summary>Records a request to the application.</summary>
    public void Inbound(RequestState state)
    {
        var self = mesh.Workload;
        Record(state, Describe(state) with
        {
            Direction = Direction.Inbound,
            SourceWorkload = state.Connection.PeerWorkload ?? "",
            SourceNamespace = state.Connection.Peer?.Namespace ?? "",
            DestinationService = self?.Service?.Name ?? "",
            DestinationNamespace = self?.Identity.Namespace ?? "",
            DestinationWorkload = self?.Workload ?? "",
            DestinationVersion = self?.Version ?? "",
            Tls = state.Connection.Peer is not null,
        });
    }

    private void Record(RequestState state, in RequestRecord record)
    {
        metrics.Record(in record);
        log.Record(in record);
        if (!record.ExportedSpan.IsEmpty)
        {
            var request = state.Context.Request;
            tracer.Export(new SpanRecord
            {
                Span = state.Span,
                Request = record,
                Host = request.Host,
                TraceState = state.Span.Format == TraceFormat.W3C && request.Headers.TraceState is { Count: > 0 } traceState ? traceState.ToString() : null,
                Problem = (state.Error ?? state.Masked)?.Detail,
            });
        }
    }

    private RequestRecord Describe(RequestState state)
    {
        var context = state.Context;
        var now = time.GetTimestamp();
        var aborted = context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted;
        var record = new RequestRecord
        {
            Method = context.Request.Method,
            Target = context.Features.Get<IHttpRequestFeature>()!.RawTarget,
            Protocol = context.Request.Protocol,
            Status = aborted ? 0 : context.Response.StatusCode,
            GrpcStatus = GrpcStatus(context),
            Reason = Reason(state),
            Attempts = state.AttemptCount,
            Duration = time.GetElapsedTime(state.Started, now),
            Upstream = state.UpstreamAnswered == 0 ? null : time.GetElapsedTime(state.UpstreamStarted, state.UpstreamAnswered),
            RequestBytes = state.RequestBytes,
            ResponseBytes = state.ResponseBytes,
        };
        var span = state.Span;
        var exported = Tracer.Exports(in span, record.Failed);
        if (!exported && !log.Wants(record.Failed))
        {
            return record;
        }

        return record with
        {
            Time = time.GetUtcNow() - record.Duration,
            TraceId = span.IsStarted ? span.TraceId : Propagation.TryRead(context.Request.Headers, out var trace) ? trace.TraceId : default,
            ExportedSpan = exported ? span.Id : default,
        };
    }

    // The reason may be another sidecar's: then its response carries it.
    private static string Reason(RequestState state)
    {
        if ((state.Error ?? state.Masked) is { } error)
        {
            return ErrorReasons.Label(error.Reason);
        }

        return state.Context.Response.Headers.TryGetValue(MeshHeaders.Error, out var reason) ? ErrorReasons.Known(reason.ToString()) : "";
    }

    private static int? GrpcStatus(HttpContext context)
    {
        if (!ErrorResponder.IsGrpc(context.Request))
        {
            return null;
        }

        var trailers = context.Features.Get<IHttpResponseTrailersFeature>()?.Trailers;
        return (trailers is not null && trailers.TryGetValue("grpc-status", out var status))
            || context.Response.Headers.TryGetValue("grpc-status", out status)
                ? int.TryParse(status.ToString(), out var code) ? code : null
                : null;
    }
}
