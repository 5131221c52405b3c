namespace MeshLite.Sidecar.Http1;

/// <summary>What a connection takes and how long it lives, in one place. The server's side: <see cref="Listeners.MeshServerLimits"/>.</summary>
internal static class Http1Limits
{
    /// <value>Bytes of a response's head, or of its trailers; beyond, it is malformed. 64 KiB.</value>
    public const int MaxHead = 64 * 1024;

    /// <value>Bytes of the line that begins a chunk, its extensions included. 4 KiB.</value>
    public const int MaxChunkLine = 4 * 1024;

    /// <value>Bytes that a connection holds for what has come and was not read. 4 KiB; more only while a head needs it.</value>
    public const int BufferSize = 4 * 1024;

    /// <value>How long a connection lives before another replaces it, gracefully. 1 h (design.md §3).</value>
    public static readonly TimeSpan Lifetime = TimeSpan.FromHours(1);

    /// <value>How often idle connections are looked at: those that the server has ended are closed by then. 1 s.</value>
    public static readonly TimeSpan Sweep = TimeSpan.FromSeconds(1);

    /// <value>How long a body waits for <c>100 Continue</c> before it is sent all the same (RFC 9110 §10.1.1). 1 s.</value>
    public static readonly TimeSpan ContinueTimeout = TimeSpan.FromSeconds(1);
}
