using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace MeshLite.Protocol.Grpc;

/// <summary>How a call begins and ends on the wire, on the server's side (PROTOCOL-HTTP2.md).</summary>
internal static class GrpcServerProtocol
{
    private const int Http2Cancel = 8;
    private const int Http2InternalError = 2;

    /// <summary>Prepares the response; false: this is no gRPC request, and has its HTTP status.</summary>
    public static bool Accept(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        if (!HttpProtocol.IsHttp2(request.Protocol))
        {
            response.StatusCode = StatusCodes.Status426UpgradeRequired;
            return false;
        }

        if (!HttpMethods.IsPost(request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return false;
        }

        if (!GrpcHeaders.IsGrpc(request.ContentType))
        {
            response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return false;
        }

        // A stream has no end in sight and may be idle for hours; single messages are limited by the frame reader.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        response.ContentType = GrpcHeaders.ContentType;
        response.Headers[GrpcHeaders.AcceptEncoding] = GrpcHeaders.Identity;
        return true;
    }

    /// <summary>Writes the status: trailers, or, for a failure before any message, headers alone (Trailers-Only).</summary>
    public static void Finish(GrpcServerCall call, GrpcException? status)
    {
        var response = call.HttpContext.Response;
        if (call.HttpContext.RequestAborted.IsCancellationRequested)
        {
            return;
        }

        // Trailers would wait behind a message that is incomplete, or that the caller does not read.
        if (call.Writer.Torn || call.Writer.Stalled)
        {
            call.HttpContext.Features.Get<IHttpResetFeature>()?.Reset(call.Writer.Torn ? Http2InternalError : Http2Cancel);
            return;
        }

        call.ApplyHeaders();
        var trailersOnly = status is not null && !call.Writer.Written && !response.HasStarted;
        var code = ((int)(status?.Code ?? GrpcStatusCode.OK)).ToString(CultureInfo.InvariantCulture);
        Append(GrpcHeaders.Status, code);
        if (status is not null)
        {
            Append(GrpcHeaders.Message, GrpcStatusText.Encode(status.Message));
        }

        foreach (var (name, value) in call.ResponseTrailers.Concat(status?.Trailers ?? []))
        {
            Append(name, value);
        }

        void Append(string name, string value)
        {
            if (trailersOnly)
            {
                response.Headers.Append(name, value);
            }
            else
            {
                response.AppendTrailer(name, value);
            }
        }
    }
}
