using System.Net;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;

namespace MeshLite.Sidecar.Listeners;

/// <summary>Name of a Kestrel endpoint that no socket listens on: <see cref="PortListener"/> hands it connections.</summary>
internal sealed class InProcessEndPoint(string name) : EndPoint
{
    /// <inheritdoc/>
    public override string ToString() => name;
}

/// <summary>
/// Gives Kestrel its in-process endpoints. One per program, made before Kestrel starts; thread-safe.
/// </summary>
internal sealed class InProcessListenerFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly Dictionary<EndPoint, InProcessListener> _listeners = [];

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is InProcessEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<IConnectionListener>(For(endpoint));

    /// <summary>The listener behind an endpoint.</summary>
    public InProcessListener For(EndPoint endpoint)
    {
        lock (_listeners)
        {
            return _listeners.TryGetValue(endpoint, out var listener)
                ? listener
                : _listeners[endpoint] = new InProcessListener(endpoint);
        }
    }
}

/// <summary>
/// A listener fed by the program itself: <see cref="TryHandOver"/> on one side, Kestrel's accept loop on the other.
/// </summary>
internal sealed class InProcessListener(EndPoint endpoint) : IConnectionListener
{
    private readonly Channel<ConnectionContext> _connections =
        Channel.CreateUnbounded<ConnectionContext>(new UnboundedChannelOptions { SingleReader = true });

    /// <inheritdoc/>
    public EndPoint EndPoint => endpoint;

    /// <summary>Hands a connection to Kestrel; false when Kestrel has stopped.</summary>
    public bool TryHandOver(ConnectionContext connection) => _connections.Writer.TryWrite(connection);

    /// <inheritdoc/>
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await _connections.Reader.WaitToReadAsync(cancellationToken) && _connections.Reader.TryRead(out var connection)
            ? connection
            : null;

    /// <inheritdoc/>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _connections.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => UnbindAsync();
}
