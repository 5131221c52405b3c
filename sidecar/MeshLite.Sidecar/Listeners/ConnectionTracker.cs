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
    /// Asks every connection to end after what is in flight. One whose first request is still to come is asked when that
    /// has begun (<see cref="OnRequest"/>), so that what arrives is served.
    /// </summary>
    public void Drain()
    {
        _draining = true;
        foreach (var (connection, _) in _open)
        {
            if (connection.HasServed)
            {
                connection.Lifetime?.RequestClose();
            }
        }
    }

    /// <summary>Asks those too that were here at the last call and have still said nothing: opened ahead of a need that may never come.</summary>
    public void DrainSilent()
    {
        foreach (var (connection, _) in _open)
        {
            if (connection.WasSilent)
            {
                connection.Lifetime?.RequestClose();
            }

            connection.WasSilent = !connection.HasServed;
        }
    }

    /// <summary>Asks those of callers without identity to end after what is in flight. Returns how many.</summary>
    public int EndPlaintext()
    {
        var asked = 0;
        foreach (var (connection, _) in _open)
        {
            if (connection is { Role: ListenerRole.Inbound, Peer: null, Lifetime: { } lifetime })
            {
                lifetime.RequestClose();
                asked++;
            }
        }

        return asked;
    }

    /// <summary>Called as each request begins.</summary>
    public void OnRequest(MeshConnection connection)
    {
        if (!connection.HasServed)
        {
            connection.HasServed = true; // not written by every request: the connection is shared by many threads
        }

        if (_draining)
        {
            connection.Lifetime?.RequestClose();
        }
    }
}
