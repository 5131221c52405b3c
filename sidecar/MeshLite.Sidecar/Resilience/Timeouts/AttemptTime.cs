using MeshLite.Sidecar.Pipeline;

namespace MeshLite.Sidecar.Resilience.Timeouts;

/// <summary>
/// The bound of one attempt, where the rule gives one: cancelled with the request, or by itself when its time is up. Belongs to
/// that attempt. The timer is itself what the request cancels: a linked source beside it would cost as much again.
/// </summary>
internal readonly struct AttemptTime : IDisposable
{
    private readonly RequestState _owner;
    private readonly ReusableTimeout? _timer;
    private readonly CancellationTokenRegistration _link;
    private readonly CancellationToken _request;
    private readonly Deadline _deadline;

    /// <summary>Begins to count, by a timer of <paramref name="owner"/>. <paramref name="bound"/> null or zero: there is none.</summary>
    public AttemptTime(RequestState owner, TimeSpan? bound, CancellationToken request)
    {
        _owner = owner;
        _request = request;
        if (bound is { } timeout && timeout > TimeSpan.Zero)
        {
            Bound = timeout;
            var now = owner.Time.GetTimestamp();
            _deadline = Deadline.After(owner.Time, now, timeout, DeadlineSource.Rule);
            _timer = owner.RentTimeout();
            _timer.Start(now, timeout);
            _link = request.UnsafeRegister(static timer => ((ReusableTimeout)timer!).Cancel(), _timer);
        }
    }

    /// <summary>How long it has.</summary>
    public TimeSpan Bound { get; }

    /// <summary>To send with.</summary>
    public CancellationToken Token => _timer?.Token ?? _request;

    /// <summary>Its time is up, and the request's is not.</summary>
    public bool IsOver => _timer is { IsOver: true } && !_request.IsCancellationRequested;

    /// <summary>Whether it is over before the request's; then the next hop has been told of this one.</summary>
    public bool EndsBefore(Deadline request) => _deadline.IsBefore(request);

    /// <summary>What is left; <see cref="TimeSpan.MaxValue"/> where there is no bound.</summary>
    public TimeSpan Left(long now) => _deadline.Remaining(now);

    /// <inheritdoc/>
    public void Dispose()
    {
        // Waits for a cancellation that is under way, so that it can't reach whoever has the timer next.
        _link.Dispose();
        if (_timer is not null)
        {
            _owner.Return(_timer);
        }
    }
}
