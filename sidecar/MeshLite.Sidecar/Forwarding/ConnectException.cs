namespace MeshLite.Sidecar.Forwarding;

/// <summary>Why a connection could not be made: no byte of a request was sent.</summary>
internal sealed class ConnectException(bool tls, string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>TCP was there and TLS failed: wrong identity, wrong authority, no certificate.</summary>
    public bool IsTls => tls;
}
