using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Sidecar.Pipeline;

/// <summary>
/// Refuses messages that parsers are known to read in different ways, or that a hop can't carry, before
/// anything acts on them. Pure.
/// </summary>
internal static class MessageChecks
{
    /// <summary>Null, or why the request is refused.</summary>
    public static ProxyError? Check(HttpContext context)
    {
        var request = context.Request;
        if (!request.Host.HasValue)
        {
            return Refused("The request names no host.");
        }

        var headers = request.Headers;

        // RFC 9112 §6.3: both length fields is how requests are smuggled. Kestrel lets Transfer-Encoding win and
        // keeps the other as X-Content-Length; the message is refused here.
        if (headers.TransferEncoding.Count > 0 && headers.ContainsKey("X-Content-Length"))
        {
            return Refused("The request has both Content-Length and Transfer-Encoding.");
        }

        if (HttpMethods.IsConnect(request.Method) && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true, Protocol: "websocket" })
        {
            return Refused("CONNECT is served as the first request of an HTTP/1.1 connection.");
        }

        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        if (target is "*")
        {
            return Refused("The target '*' can't be forwarded.");
        }

        return headers.Upgrade.Count > 0 ? CheckUpgrade(context) : null;
    }

    // RFC 9110 §7.8: an Upgrade may be ignored. h2c is (clients offer it with plain requests); of a protocol that
    // the client depends on, it is told that it can't be had.
    private static ProxyError? CheckUpgrade(HttpContext context)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true })
        {
            return null;
        }

        var protocol = context.Request.Headers.Upgrade.ToString();
        return protocol.Equals("websocket", StringComparison.OrdinalIgnoreCase) || protocol.Equals("h2c", StringComparison.OrdinalIgnoreCase)
            ? null
            : Refused("Upgrade to anything but WebSocket is not carried between sidecars.");
    }

    private static ProxyError Refused(string detail) => new(ErrorReason.ProtocolError, ErrorSource.Downstream, detail);
}
