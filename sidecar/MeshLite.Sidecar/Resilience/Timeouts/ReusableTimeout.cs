namespace MeshLite.Sidecar.Resilience.Timeouts;

/// <summary>
/// A cancellation by time that is used again and again. Its timer stays where a former use has left it: when it fires, it looks what is
/// due now and goes on till then. Most uses end long before they are due, so that in the end the timer moves once in a timeout and not
/// several times a request. The first uses put it away all the same: who comes with a connection for each request would leave as many behind.
/// Never early: what is due is a timestamp, and the timer asks the clock. Thread-safe; one user at a time.
/// </summary>
internal sealed class ReusableTimeout(TimeProvider time) : IDisposable
{
    /// <value>Uses after which the timer stays where it is: 16.</value>
    public const int Settled = 16;

    private const long Never = long.MaxValue;

    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _source = new();
    private ITimer? _timer;
    private long _due = Never;
    private long _armed = Never;
    private int _uses;
    private bool _fired;

    /// <summary>Cancelled when what was started last is due, or by <see cref="Cancel"/>.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>
    /// Whether it is cancelled, or due by the clock, which a timer may be a millisecond behind: a peer that counts the same time
    /// may break off first, and that is no other failure.
    /// </summary>
    public bool IsOver => _source.IsCancellationRequested || time.GetTimestamp() >= Volatile.Read(ref _due);

    /// <summary>Cancels now.</summary>
    public void Cancel() => _source.Cancel();

    /// <summary>Cancels after <paramref name="left"/> from <paramref name="now"/>, a timestamp, and no more when it was to. What has been cancelled already is.</summary>
    public void Start(long now, TimeSpan left)
    {
        var units = left <= TimeSpan.Zero ? 0 : Timestamps.FromTimeSpan(left, time.TimestampFrequency);
        var due = units >= Never - now ? Never : now + units;
        lock (_lock)
        {
            _due = due;
            if (due < _armed)
            {
                Arm(now, due);
            }
        }
    }

    /// <summary>
    /// Ends a use: nothing is due any more, and nobody listens. False: it has been cancelled, or is about to be, and is of no more use.
    /// </summary>
    public bool TryReset()
    {
        lock (_lock)
        {
            _due = Never;
            if (_fired)
            {
                return false;
            }

            if (_uses < Settled && ++_uses < Settled && _armed != Never)
            {
                _armed = Never;
                _timer!.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        return _source.TryReset();
    }

    /// <summary>Ends its timer; its token stays as it is.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _due = Never;
            _timer?.Dispose();
        }
    }

    private void Arm(long now, long due)
    {
        _armed = due;
        // A timer counts whole milliseconds and takes no more than 49 days; it looks again then.
        var wait = TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(Timestamps.ToTimeSpan(due - now, time.TimestampFrequency).TotalMilliseconds), 0, uint.MaxValue - 1));
        if (_timer is null)
        {
            _timer = time.CreateTimer(static timeout => ((ReusableTimeout)timeout!).Fired(), this, wait, Timeout.InfiniteTimeSpan);
        }
        else
        {
            _timer.Change(wait, Timeout.InfiniteTimeSpan);
        }
    }

    private void Fired()
    {
        lock (_lock)
        {
            _armed = Never;
            if (_due == Never)
            {
                return;
            }

            var now = time.GetTimestamp();
            if (now < _due)
            {
                Arm(now, _due);
                return;
            }

            _fired = true;
        }

        // Outside of the lock: whoever hears of it may do anything. Whoever has it next does not: it is not used again.
        _source.Cancel();
    }
}
