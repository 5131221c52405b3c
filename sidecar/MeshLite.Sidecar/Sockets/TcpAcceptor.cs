using System.Net.Sockets;

namespace MeshLite.Sidecar.Sockets;

/// <summary>Accepts connections of a listening socket, which it owns. One may accept at a time; disposing is thread-safe.</summary>
internal sealed class TcpAcceptor : IPolled, IDisposable
{
    private readonly Socket _listening;
    private readonly int _descriptor;
    private readonly Readiness _ready = new(isReady: true);
    private int _disposed;

    /// <summary>Of a socket that listens.</summary>
    /// <exception cref="SocketException">Too many are watched; the socket is closed.</exception>
    public TcpAcceptor(Socket listening)
    {
        _listening = listening;
        _descriptor = (int)listening.SafeHandle.DangerousGetHandle();
        try
        {
            listening.Blocking = false;
            SocketPoller.Shared.Add(this, _descriptor);
        }
        catch
        {
            listening.Dispose();
            throw;
        }
    }

    /// <summary>The next connection.</summary>
    /// <exception cref="SocketException">Out of descriptors, or the client has gone already: the next may do better.</exception>
    /// <exception cref="ObjectDisposedException">It was disposed.</exception>
    /// <exception cref="OperationCanceledException">Nobody waits any more.</exception>
    public async ValueTask<TcpSocket> AcceptAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_ready.TryTake() && _listening.Poll(0, SelectMode.SelectRead))
            {
                _ready.Set(); // there may be more, now or after a failure
                return new TcpSocket(_listening.Accept());
            }

            await _ready.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Tell(bool mayReceive, bool maySend, bool mayFallShort) => _ready.Set();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            SocketPoller.Shared.Remove(this, _descriptor);
            _listening.Dispose();
            _ready.Close();
        }
    }
}
