namespace MeshLite.ControlPlane.Streaming;

/// <summary>
/// How many Updates are on their way at once, over all streams: beyond that streams wait in line, and what changes for them meanwhile goes
/// into the Update they send when it is their turn. Without it, more changes than the machine can send pile up as work under way, in front of the
/// reading of further changes, and latency grows without bound; with it an overloaded control plane sends fewer and newer Updates.
/// <para>A turn ends with the Update's acknowledgement, or after <see cref="Grace"/>: a stuck sidecar delays nobody. First come, first served.
/// Thread-safe; one a process.</para>
/// </summary>
internal sealed class UpdateGate(TimeProvider time, int limit = UpdateGate.DefaultLimit)
{
    /// <summary>Updates on their way at once, at most. <value>512.</value></summary>
    public const int DefaultLimit = 512;

    /// <summary>How long one counts that is not acknowledged. <value>200 ms.</value></summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(200);

    private readonly Lock _lock = new();
    private readonly Queue<Turn> _underWay = new();
    private readonly Queue<TaskCompletionSource<Turn>> _waiting = new();
    private int _taken;
    private ITimer? _timer;

    /// <summary>Waits for a turn; its holder disposes it when the Update is acknowledged, or the stream has ended.</summary>
    public ValueTask<Turn> EnterAsync(CancellationToken cancellationToken)
    {
        TaskCompletionSource<Turn> waiter;
        lock (_lock)
        {
            Expire();
            if (_taken < limit && _waiting.Count == 0)
            {
                return ValueTask.FromResult(Take());
            }

            waiter = new TaskCompletionSource<Turn>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(waiter);
            _timer ??= time.CreateTimer(static gate => ((UpdateGate)gate!).Tick(), this, Grace, Grace);
        }

        return WaitAsync(waiter, cancellationToken);
    }

    private static async ValueTask<Turn> WaitAsync(TaskCompletionSource<Turn> waiter, CancellationToken cancellationToken)
    {
        await using var cancelled = cancellationToken.UnsafeRegister(static (waiter, token) => ((TaskCompletionSource<Turn>)waiter!).TrySetCanceled(token), waiter);
        return await waiter.Task;
    }

    // With the lock held.
    private Turn Take()
    {
        var turn = new Turn(this, time.GetTimestamp());
        _taken++;
        _underWay.Enqueue(turn);
        return turn;
    }

    // With the lock held: turns begin in order, so those whose time is up come first.
    private void Expire()
    {
        while (_underWay.TryPeek(out var oldest) && (oldest.HasEnded || time.GetElapsedTime(oldest.BeganAt) >= Grace))
        {
            _underWay.Dequeue();
            End(oldest);
        }
    }

    // With the lock held.
    private void End(Turn turn)
    {
        if (!turn.HasEnded)
        {
            turn.HasEnded = true;
            _taken--;
        }
    }

    // With the lock held.
    private void Admit()
    {
        while (_taken < limit && _waiting.TryPeek(out var next))
        {
            _waiting.Dequeue();
            var turn = Take();
            if (!next.TrySetResult(turn))
            {
                End(turn); // its stream has ended meanwhile
            }
        }

        if (_waiting.Count == 0)
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    private void Tick()
    {
        lock (_lock)
        {
            Expire();
            Admit();
        }
    }

    private void Leave(Turn turn)
    {
        lock (_lock)
        {
            End(turn);
            Expire();
            Admit();
        }
    }

    /// <summary>An Update's turn. Disposing it again does nothing.</summary>
    internal sealed class Turn(UpdateGate gate, long beganAt) : IDisposable
    {
        /// <summary>On the gate's clock.</summary>
        public long BeganAt => beganAt;

        /// <summary>Guarded by the gate's lock.</summary>
        public bool HasEnded { get; set; }

        /// <summary>Lets the next one in line.</summary>
        public void Dispose() => gate.Leave(this);
    }
}
