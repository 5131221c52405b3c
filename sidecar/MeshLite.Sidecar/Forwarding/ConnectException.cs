namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// Why a connection could not be made: thrown by connect callbacks, found again inside the
/// <see cref="HttpRequestException"/> that <c>SocketsHttpHandler</c> makes of it.
/// </summary>
internal sealed class ConnectException(bool tls, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>TCP was there and TLS failed: wrong identity, wrong authority, no certificate.</summary>
    public bool IsTls => tls;
}
