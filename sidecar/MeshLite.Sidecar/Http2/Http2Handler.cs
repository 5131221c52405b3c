using MeshLite.Sidecar.Forwarding;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// The HTTP client of one endpoint: sends each request once, over a connection that has room for it; another one is made as the first is full, on its way out or gone.
/// Thread-safe. Disposed, it takes no further requests, and its connections end with their last.
/// </summary>
/// <param name="connect">Makes a connection, bounds its own time, and passes on what is to be told when the connection takes no further requests.</param>
/// <param name="unused">Told when the last connection is gone, or none could be made.</param>
internal sealed class Http2Handler(Func<Action<Http2Connection>, CancellationToken, Task<Http2Connection>> connect, Action<Http2Handler>? unused = null)
    : HttpMessageHandler, IDestination
{
    /// <value>Connections that are made for one request, each of which takes no requests by the time it is there. 5.</value>
    private const int MaxConnects = 5;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _gone = new();
    private Http2Connection[] _connections = [];
    private TaskCompletionSource<Http2Connection>? _connecting;
    private bool _disposed;

    /// <inheritdoc/>
    public Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) => SendAsync(request, cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Fails with what <c>connect</c> fails with, <see cref="UnsentException"/>, or <see cref="HttpRequestException"/> where the request may have arrived.</remarks>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var tried = _connections;
        foreach (var connection in tried)
        {
            if (connection.TrySend(request, out var response, cancellationToken))
            {
                return response;
            }
        }

        return ConnectAndSendAsync(request, tried, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Http2Connection[] connections;
            lock (_lock)
            {
                _disposed = true;
                connections = _connections;
            }

            _gone.Cancel();
            foreach (var connection in connections)
            {
                connection.Dispose();
            }
        }

        base.Dispose(disposing);
    }

    private async Task<HttpResponseMessage> ConnectAndSendAsync(HttpRequestMessage request, Http2Connection[] tried, CancellationToken cancellationToken)
    {
        if (!_disposed)
        {
            cancellationToken.ThrowIfCancellationRequested(); // nobody waits for a connection
        }

        for (var useless = 0; useless < MaxConnects;)
        {
            var connection = await ConnectAsync(tried).WaitAsync(cancellationToken);
            tried = _connections;
            foreach (var any in (Http2Connection[])[connection, .. tried])
            {
                if (any.TrySend(request, out var response, cancellationToken))
                {
                    return await response;
                }
            }

            useless += connection.IsFull ? 0 : 1; // of others' requests: as many are made as they need
        }

        throw new UnsentException("the server closes each connection at once, or lets nothing be sent on it");
    }

    /// <summary>The connection that is being made, one at a time, for all who wait; or one that was made since whoever asks has <paramref name="tried"/> those there were.</summary>
    private Task<Http2Connection> ConnectAsync(Http2Connection[] tried)
    {
        TaskCompletionSource<Http2Connection> connecting;
        lock (_lock)
        {
            if (_disposed)
            {
                throw new UnsentException("the endpoint is gone");
            }

            if (_connecting is not null)
            {
                return _connecting.Task;
            }

            if (_connections.Length > 0 && !tried.Contains(_connections[^1]))
            {
                return Task.FromResult(_connections[^1]);
            }

            _connecting = connecting = new TaskCompletionSource<Http2Connection>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        _ = MakeAsync(connecting);
        return connecting.Task;
    }

    private async Task MakeAsync(TaskCompletionSource<Http2Connection> connecting)
    {
        try
        {
            var connection = await connect(Remove, _gone.Token);
            Made(connection);
            if (_disposed)
            {
                connection.Dispose();
            }

            connecting.SetResult(connection);
        }
        catch (Exception e)
        {
            Made(null);
            connecting.SetException(_disposed ? new UnsentException("the endpoint is gone", e) : e);
            _ = connecting.Task.Exception; // seen, even if whoever waited has left
        }
    }

    /// <summary>Null: none could be made. One that is on its way out already is no more use than that.</summary>
    private void Made(Http2Connection? connection)
    {
        bool none;
        lock (_lock)
        {
            _connecting = null;
            if (connection is { IsUsable: true })
            {
                _connections = [.. _connections, connection];
            }

            none = _connections.Length == 0;
        }

        if (none)
        {
            unused?.Invoke(this);
        }
    }

    private void Remove(Http2Connection connection)
    {
        bool none;
        lock (_lock)
        {
            _connections = [.. _connections.Where(c => c != connection)];
            none = _connections.Length == 0 && _connecting is null;
        }

        if (none)
        {
            unused?.Invoke(this);
        }
    }
}
