using System.Reflection;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Whether a request failed without having reached the server: its HTTP/2 connection was on its way out (GOAWAY) before
/// the stream could open, or the stream lies above GOAWAY's last (RFC 9113 §6.8). <c>SocketsHttpHandler</c> knows, sends
/// such a request again by itself three times, and then tells nobody: the mark on its exception is internal. Without it a
/// server that drains would cost requests which are safe to send elsewhere. On HTTP/1.1 the same mark proves nothing, but
/// there <see cref="SingleSendStream"/> keeps it from being set. Pure.
/// </summary>
internal static class UnsentRequest
{
    private static readonly PropertyInfo? AllowRetry =
        typeof(HttpRequestException).GetProperty("AllowRetry", BindingFlags.Instance | BindingFlags.NonPublic);

    /// <summary>False also where the mark can't be read: then the request counts as delivered, which is the safe side.</summary>
    public static bool Is(HttpRequestException exception) => AllowRetry?.GetValue(exception)?.ToString() == "RetryOnConnectionFailure";
}
