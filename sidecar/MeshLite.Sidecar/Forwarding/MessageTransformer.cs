using System.Net;
using MeshLite.Sidecar.Pipeline;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// What both directions do to a message on its way through YARP: the raw target as sent, <c>Host</c> as sent,
/// header fields by <see cref="MessageHeaders"/>. Derived types add what their hop needs. Stateless.
/// </summary>
internal abstract class MessageTransformer : HttpTransformer
{
    /// <summary>Whether the responses of <paramref name="context"/>'s server may carry <c>meshlite-error</c>.</summary>
    protected abstract bool ServerIsVerifiedSidecar(HttpContext context);

    /// <inheritdoc/>
    public sealed override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        var request = httpContext.Request;
        MessageHeaders.CopyRequest(request.Headers, proxyRequest);
        var state = RequestState.Of(httpContext);
        proxyRequest.Headers.TryAddWithoutValidation("Host", state.Host ?? request.Host.Value);
        proxyRequest.RequestUri = state.UriOf(destinationPrefix, state.Target ?? RawTarget(httpContext));
        AddToRequest(httpContext, proxyRequest);
        return ValueTask.CompletedTask;
    }

    /// <summary>What the hop adds to a request whose fields have been copied.</summary>
    protected virtual void AddToRequest(HttpContext context, HttpRequestMessage request)
    {
    }

    /// <summary>
    /// Makes a request's body countable and, up to a bound, sendable again. Unless <paramref name="always"/>, a body of
    /// declared length is neither wrapped nor counted: it is as long as it says.
    /// </summary>
    protected static ReplayContent? WrapBody(HttpContext context, HttpRequestMessage request, bool always)
    {
        if (request.Content is null or ByteArrayContent)
        {
            return null;
        }

        var state = RequestState.Of(context);
        if (context.Request.ContentLength is { } length)
        {
            state.RequestBytes = length;
            if (!always)
            {
                return null;
            }
        }

        var content = ReplayContent.Wrap(request.Content, state);
        request.Content = content;
        return content;
    }

    /// <inheritdoc/>
    public sealed override ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return ValueTask.FromResult(false);
        }

        var state = RequestState.Of(httpContext);
        var isTunnel = HttpMethods.IsConnect(httpContext.Request.Method) && httpContext.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };
        if (isTunnel && proxyResponse.Version.Major == 1 && proxyResponse.IsSuccessStatusCode)
        {
            // Over HTTP/2 any 2xx opens the WebSocket (RFC 8441 §5), so this one can't be passed on.
            state.Error = new ProxyError(
                ErrorReason.ProtocolError, ErrorSource.Upstream, $"The application answered {(int)proxyResponse.StatusCode} where it should switch to WebSocket or refuse.");
            return ValueTask.FromResult(false);
        }

        var connection = proxyResponse.Headers.NonValidated.TryGetValues("Connection", out var values) ? new StringValues(values.ToString()) : StringValues.Empty;
        var headers = httpContext.Response.Headers;
        var keepMeshError = ServerIsVerifiedSidecar(httpContext);
        MessageHeaders.CopyResponse(proxyResponse.Headers, headers, connection, keepMeshError);
        MessageHeaders.CopyResponse(proxyResponse.Content.Headers, headers, connection, keepMeshError);
        OnAnswered(state);
        state.ResponseBytes = HttpMethods.IsHead(httpContext.Request.Method) ? 0 : httpContext.Response.ContentLength ?? 0;
        if (!isTunnel && MayHaveBody(proxyResponse))
        {
            ForwardedBody.Wrap(proxyResponse, httpContext, state, cancellationToken);
        }

        return ValueTask.FromResult(true);
    }

    /// <summary>A response's headers are there, copied and not yet sent. By default, they are as they should be.</summary>
    protected virtual void OnAnswered(RequestState state)
    {
    }

    /// <inheritdoc/>
    public sealed override ValueTask TransformResponseTrailersAsync(
        HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken)
    {
        if (MayHaveTrailers(proxyResponse) && httpContext.Features.Get<IHttpResponseTrailersFeature>()?.Trailers is { IsReadOnly: false } trailers)
        {
            MessageHeaders.CopyResponse(proxyResponse.TrailingHeaders, trailers, StringValues.Empty, keepMeshError: false);
        }

        RequestState.Of(httpContext).Answered = true;

        // The response ends here, not when the caller has sent the rest of its body, which it may do only once it knows.
        return proxyResponse.RequestMessage?.Content is ReplayContent { IsRead: false } body ? CompleteAsync(httpContext, body) : ValueTask.CompletedTask;
    }

    private static async ValueTask CompleteAsync(HttpContext context, ReplayContent body)
    {
        await context.Response.CompleteAsync();
        body.OnAnswered();
    }

    // RFC 9112 §7.1.2: in HTTP/1.1 only a chunked body has them.
    private static bool MayHaveTrailers(HttpResponseMessage response) => response.Version.Major == 1
        ? response.Headers.NonValidated.Contains("Transfer-Encoding")
        : response.TrailingHeaders.NonValidated.Count > 0;

    private static bool MayHaveBody(HttpResponseMessage response) =>
        response.StatusCode is not (HttpStatusCode.SwitchingProtocols or HttpStatusCode.NoContent or HttpStatusCode.NotModified)
        && response.RequestMessage?.Headers.Protocol is null;

    /// <summary>The target in origin form (RFC 9112 §3.2.1), its path and query untouched.</summary>
    private static string RawTarget(HttpContext context)
    {
        var raw = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (raw.Length == 0 || raw[0] == '/')
        {
            return raw.Length == 0 ? "/" : raw; // HTTP/2 extended CONNECT has its path here too
        }

        var authority = raw.IndexOf("://", StringComparison.Ordinal);
        if (authority < 0)
        {
            return "/"; // asterisk and authority form were refused before
        }

        var path = raw.AsSpan(authority + 3).IndexOfAny('/', '?');
        if (path < 0)
        {
            return "/";
        }

        var rest = raw[(authority + 3 + path)..];
        return rest[0] == '/' ? rest : "/" + rest;
    }
}
