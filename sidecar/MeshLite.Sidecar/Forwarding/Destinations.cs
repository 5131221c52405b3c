using System.Collections.Concurrent;

namespace MeshLite.Sidecar.Forwarding;

/// <summary>The HTTP client of one destination, whatever the request's URI says.</summary>
internal interface IDestination : IDisposable
{
    /// <summary>Sends a request, once.</summary>
    Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken);
}

/// <summary>
/// The HTTP client of any number of destinations, which the request's URI names: an <see cref="IDestination"/> each, forgotten with its last connection. Thread-safe.
/// </summary>
/// <param name="create">Makes the client of a host (a name, or an address without brackets) and port; it is told what to call when its last connection is gone, or none could be made.</param>
internal sealed class Destinations<T>(Func<string, int, Action<T>, T> create) : HttpMessageHandler
    where T : class, IDestination
{
    private readonly ConcurrentDictionary<(string Host, int Port), T> _destinations = new();

    /// <summary>Destinations there are connections to, or are being made to.</summary>
    public int Count => _destinations.Count;

    /// <inheritdoc/>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var uri = request.RequestUri!;
        var key = (uri.IdnHost, uri.Port);
        return (_destinations.TryGetValue(key, out var destination) ? destination : _destinations.GetOrAdd(key, Create)).SendOnceAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            foreach (var destination in _destinations.Values)
            {
                destination.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    // Whoever took one that is forgotten goes on with it; it ends as its connections do.
    private T Create((string Host, int Port) key) =>
        create(key.Host, key.Port, destination => _destinations.TryRemove(KeyValuePair.Create(key, destination)));
}
