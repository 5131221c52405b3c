using System.Threading.Tasks.Sources;

namespace MeshLite.Sidecar.Sockets;

/// <summary>
/// Whether one direction of a socket may have something to do, and who waits for that. Set by the poller, taken by whoever is going to try, so that what comes
/// during the attempt is not missed. Thread-safe; one may try or wait at a time.
/// </summary>
/// <param name="isReady">Whether to try at once.</param>
internal sealed class Readiness(bool isReady) : IValueTaskSource
{
    private const int Idle = 0;
    private const int Ready = 1;
    private const int Waiting = 2;
    private const int Closed = 3; // ready for ever: who tries learns of it

    private ManualResetValueTaskSourceCore<bool> _wait;
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _cancellationToken;
    private int _state = isReady ? Ready : Idle;

    /// <summary>Whether to try; it is not ready any more until <see cref="Set"/>.</summary>
    public bool TryTake() => Interlocked.CompareExchange(ref _state, Idle, Ready) is Ready or Closed;

    /// <summary>There may be something to do. Who waits goes on before this returns.</summary>
    public void Set()
    {
        while (true)
        {
            var state = Volatile.Read(ref _state);
            if (state is Ready or Closed)
            {
                return;
            }

            if (Interlocked.CompareExchange(ref _state, Ready, state) == state)
            {
                if (state == Waiting)
                {
                    _wait.RunContinuationsAsynchronously = false;
                    _wait.SetResult(true);
                }

                return;
            }
        }
    }

    /// <summary>Nothing will be ready any more. Who waits goes on, on another thread.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _state, Closed) == Waiting)
        {
            _wait.RunContinuationsAsynchronously = true;
            _wait.SetResult(true);
        }
    }

    /// <summary>Ends when there may be something to do, which stays so until it is taken.</summary>
    /// <exception cref="OperationCanceledException">Nobody wants to know any more; who waits goes on on another thread.</exception>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        switch (Volatile.Read(ref _state))
        {
            case Waiting:
                throw new InvalidOperationException("Somebody waits for this already.");
            case Ready or Closed:
                return ValueTask.CompletedTask;
        }

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        // All is in place before anybody can end it.
        _wait.Reset();
        _cancellationToken = cancellationToken;
        _cancellation = cancellationToken.UnsafeRegister(static self => ((Readiness)self!).Cancel(), this);
        if (Interlocked.CompareExchange(ref _state, Waiting, Idle) != Idle)
        {
            _cancellation.Dispose();
            return ValueTask.CompletedTask;
        }

        if (cancellationToken.IsCancellationRequested)
        {
            Cancel(); // it came while there was nothing to end
        }

        return new ValueTask(this, _wait.Version);
    }

    void IValueTaskSource.GetResult(short token)
    {
        _cancellation.Dispose();
        _cancellation = default;
        _cancellationToken = default;
        _wait.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Cancel()
    {
        var cancellationToken = _cancellationToken; // of this wait: the next may begin as soon as this one has ended
        if (Interlocked.CompareExchange(ref _state, Idle, Waiting) == Waiting)
        {
            _wait.RunContinuationsAsynchronously = true;
            _wait.SetException(new OperationCanceledException(cancellationToken));
        }
    }
}
