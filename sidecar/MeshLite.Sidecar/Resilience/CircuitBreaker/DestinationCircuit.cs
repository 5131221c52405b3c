using MeshLite.Model;

namespace MeshLite.Sidecar.Resilience.CircuitBreaker;

/// <summary>
/// The circuit breaker of a whole destination (M. Nygard, "Release It!", 2nd ed., ch. 5; https://martinfowler.com/bliki/CircuitBreaker.html):
/// closed, callers pass; open, they fail fast; half-open, one probe at a time decides. What was sent before it opened does
/// not count. Thread-safe; where it is closed, passing takes no lock, nor does failing fast.
/// </summary>
internal sealed class DestinationCircuit(DestinationCircuitConfig config, TimeProvider time)
{
    /// <value>What callers are told to wait while a probe is under way, of which nobody knows how long it takes. 1 s, or openFor if that is less.</value>
    public static readonly TimeSpan ProbeWait = TimeSpan.FromSeconds(1);

    private readonly FailureThresholds _thresholds = FailureThresholds.Of(config);
    private readonly FailureTally _tally = new(time);
    private readonly Lock _lock = new();
    private volatile CircuitState _state;
    private volatile bool _isProbed;
    private long _openUntil;
    private int _probeSuccesses;

    /// <summary>It went from one state to another. Called under the lock, so in order: be short.</summary>
    public event Action<CircuitState, CircuitState>? Changed;

    /// <summary>As metrics and admin pages say it. Open stays open until somebody calls, however late.</summary>
    public CircuitState State => _state;

    /// <summary>
    /// Whether a request may be sent. After true exactly one <see cref="Record"/> must follow where it is a probe, whatever
    /// comes of it: the next probe waits for it.
    /// </summary>
    /// <param name="isProbe">To hand to <see cref="Record"/>.</param>
    /// <param name="retryAfter">Where it may not: when to come again; more than 0.</param>
    public bool TryEnter(out bool isProbe, out TimeSpan retryAfter)
    {
        retryAfter = TimeSpan.Zero;
        isProbe = _state != CircuitState.Closed && TryBeginProbe(out retryAfter);

        // Read anew: somebody's probe may have closed it just now.
        return isProbe || _state == CircuitState.Closed;
    }

    /// <summary>What came of a request that <see cref="TryEnter"/> let pass.</summary>
    public void Record(AttemptOutcome outcome, bool isProbe)
    {
        if (isProbe)
        {
            EndProbe(outcome);
        }
        else if (outcome == AttemptOutcome.Neutral || _state != CircuitState.Closed)
        {
            return;
        }
        else if (outcome == AttemptOutcome.Success)
        {
            _tally.Success(_thresholds);
        }
        else if (_tally.Failure(_thresholds))
        {
            lock (_lock)
            {
                if (_state == CircuitState.Closed)
                {
                    Open_NeedsLock();
                }
            }
        }
    }

    private bool TryBeginProbe(out TimeSpan retryAfter)
    {
        if (MustWait(out retryAfter))
        {
            return false;
        }

        lock (_lock)
        {
            // Somebody may have been quicker.
            if (_state == CircuitState.Closed || MustWait(out retryAfter))
            {
                return false;
            }

            _isProbed = true;
            if (_state == CircuitState.Open)
            {
                Move_NeedsLock(CircuitState.HalfOpen);
            }

            return true;
        }
    }

    private bool MustWait(out TimeSpan retryAfter)
    {
        var left = Volatile.Read(ref _openUntil) - time.GetTimestamp();
        var shortest = config.OpenFor < ProbeWait ? config.OpenFor : ProbeWait;
        retryAfter = left > 0 ? Timestamps.ToTimeSpan(left, time.TimestampFrequency) : shortest;
        retryAfter = retryAfter > TimeSpan.Zero ? retryAfter : TimeSpan.FromTicks(1);
        return left > 0 || _isProbed;
    }

    private void EndProbe(AttemptOutcome outcome)
    {
        lock (_lock)
        {
            _isProbed = false;
            if (outcome == AttemptOutcome.Failure)
            {
                Open_NeedsLock();
            }
            else if (outcome == AttemptOutcome.Success && ++_probeSuccesses >= config.SuccessesToClose)
            {
                _tally.Clear();
                Move_NeedsLock(CircuitState.Closed);
            }
        }
    }

    private void Open_NeedsLock()
    {
        _probeSuccesses = 0;
        Volatile.Write(ref _openUntil, time.GetTimestamp() + Timestamps.FromTimeSpan(config.OpenFor, time.TimestampFrequency));
        Move_NeedsLock(CircuitState.Open);
    }

    private void Move_NeedsLock(CircuitState to)
    {
        var from = _state;
        _state = to;
        Changed?.Invoke(from, to);
    }
}

/// <summary>The states of a circuit breaker, for a destination.</summary>
internal enum CircuitState
{
    /// <summary>Requests pass.</summary>
    Closed,

    /// <summary>They fail fast.</summary>
    Open,

    /// <summary>They fail fast, but for one probe at a time.</summary>
    HalfOpen,
}
