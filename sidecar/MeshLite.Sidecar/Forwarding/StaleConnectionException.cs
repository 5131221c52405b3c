namespace MeshLite.Sidecar.Forwarding;

/// <summary>
/// A connection that had answered before ended before it answered this request: mostly because the server had closed it for being
/// idle when the request was on its way. Thrown by <see cref="Http1.Http1Connection"/>.
/// </summary>
internal sealed class StaleConnectionException(Exception? inner = null) : IOException("The server closed the connection without answering.", inner);
