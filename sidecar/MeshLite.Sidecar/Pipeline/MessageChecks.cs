using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

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

        if (request.Headers.TransferEncoding is { Count: > 0 } coding && CheckTransferEncoding(request, coding) is { } problem)
        {
            return problem;
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

        // HTTP/2 can carry what would end the target of an HTTP/1.1 request line (RFC 9113 §10.3).
        if (target.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return Refused("The target holds a space, or what is no ASCII letter.");
        }

        // RFC 9110 §4.2.4: "treat its presence as an error". Kestrel takes the host behind it, others the one before.
        if (!target.StartsWith('/') && HasUserInformation(target))
        {
            return Refused("The target holds user information.");
        }

        return request.Headers.Upgrade.Count > 0 ? CheckUpgrade(context) : null;
    }

    private static bool HasUserInformation(ReadOnlySpan<char> target)
    {
        var authority = target[(target.IndexOf("//") is >= 0 and var slashes ? slashes + 2 : 0)..];
        var end = authority.IndexOfAny('/', '?', '#');
        return (end < 0 ? authority : authority[..end]).Contains('@');
    }

    // RFC 9112 §6: how the body ends is what requests are smuggled by.
    private static ProxyError? CheckTransferEncoding(HttpRequest request, StringValues coding)
    {
        // §6.1: of HTTP/1.0 "the framing is faulty", whatever it says; RFC 9113 §8.2.2: HTTP/2 must not have it.
        if (!HttpProtocol.IsHttp11(request.Protocol))
        {
            return Refused($"{request.Protocol} has no Transfer-Encoding.");
        }

        // §6.3: Kestrel lets Transfer-Encoding win and keeps the other field as X-Content-Length.
        if (request.Headers.ContainsKey("X-Content-Length"))
        {
            return Refused("The request has both Content-Length and Transfer-Encoding.");
        }

        // Kestrel undoes "chunked" alone: any coding before it would be lost on the way, and its body not.
        return coding.Count == 1 && coding.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase)
            ? null
            : Refused("A Transfer-Encoding other than 'chunked' is not carried.");
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
