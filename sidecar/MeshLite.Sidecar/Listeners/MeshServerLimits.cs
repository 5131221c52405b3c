using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Every limit on what a client may send, in one place. design.md §3: no body-size or minimum-rate limit unless declared.</summary>
internal static class MeshServerLimits
{
    /// <value>Bytes of a request's headers; beyond: 431. 64 KiB.</value>
    private const int MaxHeadersBytes = 64 * 1024;

    /// <value>Bytes of the request line; beyond: 414. 16 KiB.</value>
    private const int MaxRequestLineBytes = 16 * 1024;

    /// <value>Streams of one HTTP/2 connection; the default concurrency limit of a destination.</value>
    private const int MaxStreams = 1024;

    /// <value>
    /// Bytes. Uploads that stall hold what was sent of them against the connection's window: at 16 MiB with
    /// 256 KiB a stream, 63 may stall before anybody else on the connection waits.
    /// </value>
    private const int ConnectionWindow = 16 * 1024 * 1024;

    private const int StreamWindow = 256 * 1024;

    /// <value>
    /// Connections of one endpoint of Kestrel's (each protocol of each port is one), and as many more of each port that are no HTTP. 10,000: ten
    /// times what a busy workload has, and far from the descriptors of a container.
    /// </value>
    public const int MaxConnections = 10_000;

    /// <value>
    /// How long a connection may be idle. 10 min: longer than clients keep theirs, so that the client closes first
    /// and no request meets a closing connection.
    /// </value>
    public static readonly TimeSpan KeepAlive = TimeSpan.FromMinutes(10);

    // RFC 9112 §2.2 lets a server take LF alone for the end of a line. Who sits before us may not, and let it pass inside a value.
    static MeshServerLimits() => AppContext.SetSwitch("Microsoft.AspNetCore.Server.Kestrel.DisableHttp1LineFeedTerminators", true);

    /// <summary>Sets them.</summary>
    public static void Apply(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        // RFC 9112 §3.2.2: with an absolute-form target, its authority replaces Host.
        kestrel.AllowHostHeaderOverride = true;
        kestrel.AllowAlternateSchemes = true;
        // Bytes of header values pass as they are.
        kestrel.RequestHeaderEncodingSelector = static name =>
            name == HeaderNames.Connection ? ConnectionFieldEncoding.Instance
            : name == HeaderNames.ContentLength ? ContentLengthEncoding.Instance
            : Encoding.Latin1;
        kestrel.ResponseHeaderEncodingSelector = _ => Encoding.Latin1;

        var limits = kestrel.Limits;
        limits.MaxConcurrentConnections = MaxConnections;
        limits.MaxConcurrentUpgradedConnections = MaxConnections;
        limits.MaxRequestBodySize = null;
        limits.MinRequestBodyDataRate = null;
        limits.MinResponseDataRate = null;
        limits.MaxRequestHeaderCount = 200;
        limits.MaxRequestHeadersTotalSize = MaxHeadersBytes;
        limits.MaxRequestLineSize = MaxRequestLineBytes;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        limits.KeepAliveTimeout = KeepAlive;
        limits.Http2.MaxStreamsPerConnection = MaxStreams;
        limits.Http2.InitialConnectionWindowSize = ConnectionWindow;
        limits.Http2.InitialStreamWindowSize = StreamWindow;
        limits.Http2.MaxRequestHeaderFieldSize = MaxHeadersBytes;
        limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(10);
        limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(5);
    }
}
