namespace MeshLite.Sidecar.Resilience.Timeouts;

/// <summary>
/// The bound of one attempt, where the rule gives one: cancelled with the request, or by itself when its time is up. Belongs to
/// that attempt. The timer is itself what the request cancels: a linked source beside it would cost as much again.
/// </summary>
internal readonly struct AttemptTime : IDisposable
{
    private readonly CancellationTokenSource? _timer;
    private readonly CancellationTokenRegistration _link;
    private readonly CancellationToken _request;
    private readonly Deadline _deadline;

    /// <summary>Begins to count. <paramref name="bound"/> null or zero: there is none, and nothing is allocated.</summary>
    public AttemptTime(TimeSpan? bound, TimeProvider time, CancellationToken request)
    {
        _request = request;
        if (bound is { } timeout && timeout > TimeSpan.Zero)
        {
            Bound = timeout;
            _deadline = Deadline.FromNow(time, timeout, DeadlineSource.Rule);
            _timer = new CancellationTokenSource(timeout, time);
            _link = request.UnsafeRegister(static timer => ((CancellationTokenSource)timer!).Cancel(), _timer);
        }
    }

    /// <summary>How long it has.</summary>
    public TimeSpan Bound { get; }

    /// <summary>To send with.</summary>
    public CancellationToken Token => _timer?.Token ?? _request;

    /// <summary>Its time is up, and the request's is not.</summary>
    public bool IsOver => _timer is { IsCancellationRequested: true } && !_request.IsCancellationRequested;

    /// <summary>Whether it is over before the request's; then the next hop has been told of this one.</summary>
    public bool EndsBefore(Deadline request) => _deadline.IsBefore(request);

    /// <summary>What is left; <see cref="TimeSpan.MaxValue"/> where there is no bound.</summary>
    public TimeSpan Left(long now) => _deadline.Remaining(now);

    /// <inheritdoc/>
    public void Dispose()
    {
        _link.Dispose();
        _timer?.Dispose();
    }
}
