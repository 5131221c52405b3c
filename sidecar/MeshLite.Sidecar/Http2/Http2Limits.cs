namespace MeshLite.Sidecar.Http2;

/// <summary>What a connection takes and how long it waits, in one place. The server's side: <see cref="Listeners.MeshServerLimits"/>.</summary>
internal static class Http2Limits
{
    /// <value>Bytes of a response that its reader has not taken yet. 256 KiB.</value>
    public const int StreamWindow = 256 * 1024;

    /// <value>Bytes of all of a connection's responses together: 63 callers may stall before anybody else on it waits. 16 MiB.</value>
    public const int ConnectionWindow = 16 * 1024 * 1024;

    /// <value>Bytes of a header block as it comes, in all its frames; beyond, the connection ends. 128 KiB.</value>
    public const int MaxHeaderBlock = 128 * 1024;

    /// <value>Bytes that wait to be written, beyond which bodies wait until there is room. 64 KiB.</value>
    public const int MaxPending = 64 * 1024;

    /// <value>
    /// Bytes that wait to be written, beyond which no further request is, and a peer that goes on asking for answers (PING, SETTINGS) ends its connection: it does not
    /// read. 1 MiB.
    /// </value>
    public const int MaxUnread = 1024 * 1024;

    /// <value>Silence after which a connection is asked whether it is there. 10 s (design.md §3).</value>
    public static readonly TimeSpan PingDelay = TimeSpan.FromSeconds(10);

    /// <value>How long it has to say so. 5 s.</value>
    public static readonly TimeSpan PingTimeout = TimeSpan.FromSeconds(5);

    /// <value>How long a connection lives before another replaces it; its last requests end on it. 1 h (design.md §3).</value>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <value>How long a body waits for <c>100 Continue</c> before it is sent all the same (RFC 9110 §10.1.1). 1 s.</value>
    public static readonly TimeSpan ContinueTimeout = TimeSpan.FromSeconds(1);
}

/// <summary>How a connection is kept while nothing moves on it.</summary>
/// <param name="IdleTimeout">Without a request for this long, it is closed.</param>
/// <param name="Pings">Whether silence is answered by a ping. Servers of gRPC close connections on which pings come more often than each 5 min without data (gRFC A8), and on
/// the way to an application beside this sidecar the kernel tells that it is gone.</param>
internal sealed record Http2Idling(TimeSpan IdleTimeout, bool Pings)
{
    /// <summary>To a peer sidecar. An endpoint nobody called for 5 min has no connection.</summary>
    public static readonly Http2Idling Mesh = new(TimeSpan.FromMinutes(5), Pings: true);
}
