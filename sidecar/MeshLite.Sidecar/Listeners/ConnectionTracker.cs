using System.Collections.Concurrent;

namespace MeshLite.Sidecar.Listeners;

/// <summary>
/// The open HTTP connections, so that a draining sidecar can ask each to end gracefully: GOAWAY on HTTP/2,
/// <c>Connection: close</c> on HTTP/1.1. Thread-safe.
/// </summary>
internal sealed class ConnectionTracker
{
    private readonly ConcurrentDictionary<MeshConnection, byte> _open = new();
    private volatile bool _draining;

    /// <summary>Whether connections are being let go.</summary>
    public bool Draining => _draining;

    /// <summary>Connections open now.</summary>
    public int Count => _open.Count;

    /// <summary>A connection opened.</summary>
    public void Add(MeshConnection connection) => _open.TryAdd(connection, 0);

    /// <summary>It closed.</summary>
    public void Remove(MeshConnection connection) => _open.TryRemove(connection, out _);

    /// <summary>
    /// Asks every connection to end after what is in flight. One that is accepted from now on is asked when its
    /// first request has begun (<see cref="OnRequest"/>), so that what arrives is served.
    /// </summary>
    public void Drain()
    {
        _draining = true;
        foreach (var (connection, _) in _open)
        {
            connection.Lifetime?.RequestClose();
        }
    }

    /// <summary>Called as each request begins.</summary>
    public void OnRequest(MeshConnection connection)
    {
        if (_draining)
        {
            connection.Lifetime?.RequestClose();
        }
    }
}
