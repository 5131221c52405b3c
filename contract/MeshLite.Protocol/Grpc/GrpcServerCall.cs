using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Protocol.Grpc;

/// <summary>
/// One call as its handler sees it; made by <see cref="GrpcServer"/>, gone when the handler ends. Used by the
/// handler only, not thread-safe but for the cancellation token.
/// </summary>
public sealed class GrpcServerCall
{
    internal GrpcServerCall(HttpContext context, DateTimeOffset? deadline, int maxMessageBytes, CancellationToken cancellationToken)
    {
        HttpContext = context;
        Deadline = deadline;
        CancellationToken = cancellationToken;
        Reader = new(context.Request.BodyReader, maxMessageBytes,
            context.Request.Headers[GrpcHeaders.Encoding], GrpcStatusCode.Unimplemented);
        Writer = new(context.Response.BodyWriter);
    }

    /// <summary>The HTTP/2 request under the call.</summary>
    public HttpContext HttpContext { get; }

    /// <summary>The caller cancelled, its deadline passed, or the connection is lost.</summary>
    public CancellationToken CancellationToken { get; }

    /// <summary>When the caller stops waiting.</summary>
    public DateTimeOffset? Deadline { get; }

    /// <summary>The caller's certificate, where the connection is mutual TLS.</summary>
    public X509Certificate2? ClientCertificate => HttpContext.Connection.ClientCertificate;

    /// <summary>Sent before the first message; handlers add to it before they write.</summary>
    public GrpcMetadata ResponseHeaders { get; } = [];

    /// <summary>Sent with the status.</summary>
    public GrpcMetadata ResponseTrailers { get; } = [];

    internal GrpcFrameReader Reader { get; }

    internal GrpcFrameWriter Writer { get; }

    /// <summary>The caller's metadata of that name, the first value.</summary>
    public string? GetMetadata(string name) => HttpContext.Request.Headers[name] is { Count: > 0 } values ? values[0] : null;

    /// <summary>As <see cref="GetMetadata"/>, decoded, for names ending in <c>-bin</c>; null where absent or not base64.</summary>
    public byte[]? GetBinaryMetadata(string name) => GrpcMetadata.DecodeBytes(GetMetadata(name));

    /// <summary>Puts <see cref="ResponseHeaders"/> on the response, before its first byte.</summary>
    internal void ApplyHeaders()
    {
        if (HttpContext.Response.HasStarted || Writer.Written)
        {
            return;
        }

        foreach (var (name, value) in ResponseHeaders)
        {
            HttpContext.Response.Headers.Append(name, value);
        }
    }
}
