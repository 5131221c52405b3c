using System.Collections.Concurrent;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// The HTTP/2 client of any number of destinations, which the request's URI names: an <see cref="Http2Handler"/> each, forgotten with its last connection. Thread-safe.
/// </summary>
/// <param name="connect">As <see cref="Http2Handler"/>'s, to a host (a name, or an address without brackets) and port.</param>
internal sealed class Http2Destinations(Func<string, int, Action<Http2Connection>, CancellationToken, Task<Http2Connection>> connect) : HttpMessageHandler
{
    private readonly ConcurrentDictionary<(string Host, int Port), Http2Handler> _handlers = new();

    /// <summary>Destinations there are connections to, or are being made to.</summary>
    public int Count => _handlers.Count;

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        var key = (uri.IdnHost, uri.Port);
        return (_handlers.TryGetValue(key, out var handler) ? handler : _handlers.GetOrAdd(key, Create)).SendOnceAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var handler in _handlers.Values)
            {
                handler.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    // Whoever took one that is forgotten goes on with it; it ends as its connections do.
    private Http2Handler Create((string Host, int Port) key) =>
        new((unusable, cancellation) => connect(key.Host, key.Port, unusable, cancellation), handler => _handlers.TryRemove(KeyValuePair.Create(key, handler)));
}
