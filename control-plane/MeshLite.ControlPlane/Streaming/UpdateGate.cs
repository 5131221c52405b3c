using System.Threading.Tasks.Sources;

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
    private readonly Queue<Turn> _waiting = new();
    private int _taken;
    private ITimer? _timer;

    /// <summary>Waits for a turn; its holder disposes it when the Update is acknowledged, or the stream has ended.</summary>
    public ValueTask<Turn> EnterAsync(CancellationToken cancellationToken)
    {
        var turn = new Turn(this);
        lock (_lock)
        {
            Expire();
            if (_taken < limit && _waiting.Count == 0)
            {
                Begin(turn);
                return ValueTask.FromResult(turn);
            }

            _waiting.Enqueue(turn);
            _timer ??= time.CreateTimer(static gate => ((UpdateGate)gate!).Tick(), this, Grace, Grace);
        }

        return turn.WaitAsync(cancellationToken);
    }

    // With the lock held.
    private void Begin(Turn turn)
    {
        turn.BeganAt = time.GetTimestamp();
        _taken++;
        _underWay.Enqueue(turn);
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
        while (_taken < limit && _waiting.TryDequeue(out var next))
        {
            // Else its stream has ended meanwhile.
            if (next.TryAdmit())
            {
                Begin(next);
                next.Admitted();
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

    /// <summary>An Update's turn. Disposing it again does nothing. It is what its stream waits for, too: at full load each Update waits, and costs one object.</summary>
    internal sealed class Turn(UpdateGate gate) : IDisposable, IValueTaskSource<Turn>
    {
        private const int InLine = 0;
        private const int IsAdmitted = 1;
        private const int IsCancelled = 2;

        private ManualResetValueTaskSourceCore<Turn> _wait = new() { RunContinuationsAsynchronously = true };
        private CancellationTokenRegistration _cancelled;
        private int _state;

        /// <summary>On the gate's clock. Guarded by the gate's lock.</summary>
        public long BeganAt { get; set; }

        /// <summary>Guarded by the gate's lock.</summary>
        public bool HasEnded { get; set; }

        /// <summary>Lets the next one in line.</summary>
        public void Dispose() => gate.Leave(this);

        /// <summary>Until it begins.</summary>
        public ValueTask<Turn> WaitAsync(CancellationToken cancellationToken)
        {
            var wait = new ValueTask<Turn>(this, _wait.Version);
            _cancelled = cancellationToken.UnsafeRegister(static (turn, token) => ((Turn)turn!).Cancel(token), this);
            return wait;
        }

        /// <summary>False: it was cancelled.</summary>
        public bool TryAdmit() => Interlocked.CompareExchange(ref _state, IsAdmitted, InLine) == InLine;

        /// <summary>Tells who waits, after <see cref="TryAdmit"/>.</summary>
        public void Admitted() => _wait.SetResult(this);

        Turn IValueTaskSource<Turn>.GetResult(short token)
        {
            _cancelled.Unregister();
            return _wait.GetResult(token);
        }

        ValueTaskSourceStatus IValueTaskSource<Turn>.GetStatus(short token) => _wait.GetStatus(token);

        void IValueTaskSource<Turn>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _wait.OnCompleted(continuation, state, token, flags);

        private void Cancel(CancellationToken cancellationToken)
        {
            if (Interlocked.CompareExchange(ref _state, IsCancelled, InLine) == InLine)
            {
                _wait.SetException(new OperationCanceledException(cancellationToken));
            }
        }
    }
}
