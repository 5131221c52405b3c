using System.Net;
using System.Security.Cryptography;
using System.Text;
using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// What an endpoint without sidecar is sent to by: a request that was made for a peer sidecar becomes one for an application. In plaintext, in the
/// HTTP version the caller spoke; nothing of the mesh's own (but the remaining time, which anyone may know) goes there, and nothing that
/// comes from there passes for the mesh's. A WebSocket, HTTP/2's extended CONNECT between sidecars (RFC 8441), is an Upgrade again (RFC 6455 §4.1).
/// One per endpoint, which owns it; thread-safe. The request's message is not changed: another attempt may send it to a sidecar.
/// </summary>
internal sealed class PlainEndpointHandler(HttpMessageHandler http1, HttpMessageHandler http2) : HttpMessageHandler
{
    // RFC 6455 §4.2.2.
    private const string AcceptGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    private const string AcceptHeader = "Sec-WebSocket-Accept";

    private readonly HttpMessageInvoker _http1 = new(http1);
    private readonly HttpMessageInvoker _http2 = new(http2);

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var webSocketKey = request.Method == HttpMethod.Connect && request.Headers.Protocol == "websocket" ? Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)) : null;
        var copy = Copy(request, webSocketKey); // not disposed: its body is the other's
        var response = await (copy.Version.Major == 1 ? _http1 : _http2).SendAsync(copy, cancellationToken);
        response.RequestMessage = request;
        if (webSocketKey is not null && response.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            Accept(response, webSocketKey);
        }

        foreach (var name in response.Headers.NonValidated.Select(h => h.Key).Where(MeshHeaders.IsMeshHeader).ToArray())
        {
            response.Headers.Remove(name);
        }

        return response;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _http1.Dispose();
            _http2.Dispose();
        }

        base.Dispose(disposing);
    }

    private static HttpRequestMessage Copy(HttpRequestMessage request, string? webSocketKey)
    {
        var isHttp2 = request.Headers.NonValidated.TryGetValues(MeshHeaders.Protocol, out var spoken) && spoken.ToString() == "2" && webSocketKey is null;
        var copy = new HttpRequestMessage(webSocketKey is null ? request.Method : HttpMethod.Get, request.RequestUri)
        {
            Version = isHttp2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = webSocketKey is null ? request.Content : null,
        };
        foreach (var (name, values) in request.Headers.NonValidated)
        {
            if (!name.StartsWith(':') && (!MeshHeaders.IsMeshHeader(name) || name.Equals(MeshHeaders.Timeout, StringComparison.OrdinalIgnoreCase)))
            {
                copy.Headers.TryAddWithoutValidation(name, values);
            }
        }

        if (webSocketKey is not null)
        {
            copy.Headers.TryAddWithoutValidation("Connection", "Upgrade");
            copy.Headers.TryAddWithoutValidation("Upgrade", "websocket");
            copy.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", webSocketKey);
        }

        return copy;
    }

    // Over HTTP/2 a 200 opens the WebSocket, and the connection's own headers mean nothing.
    private static void Accept(HttpResponseMessage response, string key)
    {
        var expected = Convert.ToBase64String(Sha1(Encoding.ASCII.GetBytes(key + AcceptGuid)));
        if (!response.Headers.NonValidated.TryGetValues(AcceptHeader, out var accept) || accept.ToString() != expected)
        {
            response.Dispose();
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The server's Sec-WebSocket-Accept does not belong to the request.");
        }

        response.StatusCode = HttpStatusCode.OK;
        response.Version = HttpVersion.Version20;
        response.Headers.Remove(AcceptHeader);
        response.Headers.Remove("Upgrade");
        response.Headers.Remove("Connection");
    }

#pragma warning disable CA5350 // What RFC 6455 says, and no secret.
    private static byte[] Sha1(byte[] data) => SHA1.HashData(data);
#pragma warning restore CA5350
}
