using System.Net;
using System.Text;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// The HTTP/1.1 client of a proxy (HTTP/2 is <see cref="Http2.Http2Handler"/>'s): nothing that changes a message (redirects, cookies, decompression, trace headers)
/// and bytes of header values as they are.
/// </summary>
internal static class HttpHandlers
{
    /// <value>How long a connection lives before it is replaced gracefully. 1 h (design.md §3).</value>
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromHours(1);

    /// <summary>A handler whose connections <paramref name="connect"/> makes. It bounds its own time.</summary>
    public static SocketsHttpHandler Create(
        Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> connect, TimeSpan idleTimeout) => new()
    {
        ConnectCallback = connect,
        PooledConnectionLifetime = ConnectionLifetime,
        PooledConnectionIdleTimeout = idleTimeout,
        ConnectTimeout = Timeout.InfiniteTimeSpan,
        MaxResponseHeadersLength = 64,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
        ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
    };
}
