using System.Diagnostics.CodeAnalysis;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Sockets;

namespace MeshLite.Sidecar.Http1;

/// <summary>
/// The HTTP/1.1 client of one endpoint: sends each request once, over the connection that was idle for the shortest time, or a new one. Thread-safe.
/// Disposed, it takes no further requests, and its connections end with their last.
/// </summary>
/// <param name="connect">Makes a connection, and bounds its own time.</param>
/// <param name="idleTimeout">Without a request for this long, a connection is closed: by the sweep before, so that none is taken that was idle for longer.</param>
/// <param name="time">Counts.</param>
/// <param name="unused">Told when the last connection is gone.</param>
internal sealed class Http1Handler(Func<CancellationToken, ValueTask<TcpStream>> connect, TimeSpan idleTimeout, TimeProvider time, Action<Http1Handler>? unused = null)
    : HttpMessageHandler, IDestination
{
    private readonly Lock _lock = new();
    private readonly List<Http1Connection> _idle = []; // the one that is idle for longest first
    private ITimer? _sweeper;
    private bool _sweeps;
    private int _connections;
    private bool _disposed;

    /// <summary>Text of the server's header fields.</summary>
    public FieldStrings Strings { get; } = new();

    /// <summary>Connections there are, idle or not, or that are being made.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Of those, how many are idle.</summary>
    public int Idle
    {
        get
        {
            lock (_lock)
            {
                return _idle.Count;
            }
        }
    }

    /// <inheritdoc/>
    public Task<HttpResponseMessage> SendOnceAsync(HttpRequestMessage request, CancellationToken cancellationToken) => SendAsync(request, cancellationToken);

    /// <summary>It is idle: for the next request.</summary>
    public void Return(Http1Connection connection)
    {
        lock (_lock)
        {
            if (!_disposed && !connection.IsOld)
            {
                _idle.Add(connection);
                Sweep_NeedsLock();
                return;
            }
        }

        connection.Close();
    }

    /// <summary>A connection is closed.</summary>
    public void Gone()
    {
        if (Interlocked.Decrement(ref _connections) == 0)
        {
            unused?.Invoke(this);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Fails with what <c>connect</c> fails with, or as <see cref="Http1Connection.SendAsync"/> does.</remarks>
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<HttpResponseMessage>(cancellationToken);
        }

        // Where the request may be sent twice, it will be if the connection turns out to have ended: not worth a call of the kernel each.
        var ask = !MayBeSentTwice(request.Method);
        while (TryTakeIdle(out var connection))
        {
            if (connection.IsAlive(ask))
            {
                return connection.SendAsync(request, cancellationToken);
            }

            connection.Close();
        }

        return ConnectAndSendAsync(request, cancellationToken);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Http1Connection[] idle;
            lock (_lock)
            {
                _disposed = true;
                idle = [.. _idle];
                _idle.Clear();
                _sweeper?.Dispose();
                _sweeper = null;
            }

            foreach (var connection in idle)
            {
                connection.Close();
            }
        }

        base.Dispose(disposing);
    }

    private async Task<HttpResponseMessage> ConnectAndSendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (_disposed)
        {
            throw new UnsentException("the endpoint is gone");
        }

        Interlocked.Increment(ref _connections);
        TcpStream transport;
        try
        {
            transport = await connect(cancellationToken);
        }
        catch
        {
            Gone();
            throw;
        }

        return await new Http1Connection(transport, this, time).SendAsync(request, cancellationToken);
    }

    private bool TryTakeIdle([NotNullWhen(true)] out Http1Connection? connection)
    {
        lock (_lock)
        {
            connection = _idle.Count > 0 ? _idle[^1] : null;
            if (connection is not null)
            {
                _idle.RemoveAt(_idle.Count - 1);
            }

            return connection is not null;
        }
    }

    /// <summary>While there are idle connections, they are looked at.</summary>
    private void Sweep_NeedsLock()
    {
        if (!_sweeps)
        {
            _sweeps = true;
            _sweeper ??= time.CreateTimer(static handler => ((Http1Handler)handler!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            _sweeper.Change(Http1Limits.Sweep, Timeout.InfiniteTimeSpan);
        }
    }

    private void Sweep()
    {
        List<Http1Connection> useless = [];
        lock (_lock)
        {
            _sweeps = false;
            _idle.RemoveAll(connection =>
            {
                var isUseless = time.GetElapsedTime(connection.IdleSince) > idleTimeout - Http1Limits.Sweep || connection.IsOld || !connection.IsAlive(ask: false);
                if (isUseless)
                {
                    useless.Add(connection);
                }

                return isUseless;
            });
            if (_idle.Count > 0)
            {
                Sweep_NeedsLock();
            }
        }

        foreach (var connection in useless)
        {
            connection.Close();
        }
    }

    private static bool MayBeSentTwice(HttpMethod method) =>
        method == HttpMethod.Get || method == HttpMethod.Head || method == HttpMethod.Delete || method == HttpMethod.Options || method == HttpMethod.Trace;
}
