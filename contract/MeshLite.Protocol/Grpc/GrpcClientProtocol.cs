using System.Globalization;
using System.Net;
using System.Net.Http.Headers;

namespace MeshLite.Protocol.Grpc;

/// <summary>How a call begins and ends on the wire, on the client's side (PROTOCOL-HTTP2.md). Pure.</summary>
internal static class GrpcClientProtocol
{
    private static readonly ProductInfoHeaderValue UserAgent = new("grpc-csharp-meshlite", "1");
    private static readonly MediaTypeHeaderValue ContentType = new(GrpcHeaders.ContentType);

    public static HttpRequestMessage Request(GrpcChannel channel, string path, HttpContent content, GrpcCallOptions? options)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(channel.Address, path))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = content,
        };
        content.Headers.ContentType = ContentType;
        request.Headers.TE.ParseAdd("trailers");
        request.Headers.UserAgent.Add(UserAgent);
        request.Headers.TryAddWithoutValidation(GrpcHeaders.AcceptEncoding, GrpcHeaders.Identity);
        if (options?.Timeout is { } timeout)
        {
            request.Headers.TryAddWithoutValidation(GrpcHeaders.Timeout, GrpcTimeout.Format(timeout));
        }

        foreach (var (name, value) in options?.Metadata ?? [])
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>Throws where the response is none of gRPC, or is a status alone (Trailers-Only).</summary>
    public static void CheckResponse(HttpResponseMessage response)
    {
        if (response.Headers.NonValidated.Contains(GrpcHeaders.Status) && Status(response, response.Headers) is { } status)
        {
            throw status;
        }

        if (response.StatusCode != HttpStatusCode.OK)
        {
            throw new GrpcException(OfHttpStatus((int)response.StatusCode), $"HTTP status {(int)response.StatusCode}");
        }

        var contentType = response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? values.ToString() : null;
        if (!GrpcHeaders.IsGrpc(contentType))
        {
            throw new GrpcException(GrpcStatusCode.Unknown, $"the response is no gRPC but '{contentType}'");
        }
    }

    /// <summary>Throws unless the trailers (or, in a Trailers-Only response, the headers) say OK.</summary>
    public static void CheckStatus(HttpResponseMessage response, HttpResponseHeaders trailers)
    {
        var headers = trailers.NonValidated.Contains(GrpcHeaders.Status) ? trailers : response.Headers;
        if (Status(response, headers) is { } status)
        {
            throw status;
        }
    }

    /// <summary>What an exception of the HTTP handler means.</summary>
    public static GrpcException Failure(Exception e)
    {
        for (var cause = e; cause is not null; cause = cause.InnerException)
        {
            if (cause is HttpProtocolException protocol)
            {
                return new(OfHttp2Error(protocol.ErrorCode), protocol.Message, e);
            }
        }

        var detail = e.InnerException is { } inner && !e.Message.Contains(inner.Message, StringComparison.Ordinal) ? $"{e.Message} ({inner.Message})" : e.Message;
        return new(e is OperationCanceledException ? GrpcStatusCode.Cancelled : GrpcStatusCode.Unavailable, detail, e);
    }

    /// <summary>https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md</summary>
    public static GrpcStatusCode OfHttpStatus(int status) => status switch
    {
        400 or 431 => GrpcStatusCode.Internal,
        401 => GrpcStatusCode.Unauthenticated,
        403 => GrpcStatusCode.PermissionDenied,
        404 => GrpcStatusCode.Unimplemented,
        429 or 502 or 503 or 504 => GrpcStatusCode.Unavailable,
        _ => GrpcStatusCode.Unknown,
    };

    /// <summary>PROTOCOL-HTTP2.md, Errors: RST_STREAM codes of RFC 9113 §7.</summary>
    public static GrpcStatusCode OfHttp2Error(long code) => code switch
    {
        7 => GrpcStatusCode.Unavailable,          // REFUSED_STREAM
        8 => GrpcStatusCode.Cancelled,            // CANCEL
        11 => GrpcStatusCode.ResourceExhausted,   // ENHANCE_YOUR_CALM
        12 => GrpcStatusCode.PermissionDenied,    // INADEQUATE_SECURITY
        _ => GrpcStatusCode.Internal,
    };

    /// <summary>Null: OK. A missing or unreadable status is UNKNOWN.</summary>
    private static GrpcException? Status(HttpResponseMessage response, HttpResponseHeaders headers)
    {
        if (!headers.NonValidated.TryGetValues(GrpcHeaders.Status, out var values))
        {
            return new(GrpcStatusCode.Unknown, $"HTTP status {(int)response.StatusCode} and no grpc-status");
        }

        if (!int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return new(GrpcStatusCode.Unknown, $"grpc-status '{values}'");
        }

        if (number == 0)
        {
            return null;
        }

        var metadata = new GrpcMetadata();
        foreach (var (name, value) in headers.NonValidated)
        {
            if (GrpcMetadata.IsCustom(name))
            {
                metadata.AddReceived(name, value.ToString());
            }
        }

        var message = headers.NonValidated.TryGetValues(GrpcHeaders.Message, out var text) ? GrpcStatusText.Decode(text.ToString()) : "";
        return new(number <= 16 ? (GrpcStatusCode)number : GrpcStatusCode.Unknown, message, trailers: metadata);
    }
}
