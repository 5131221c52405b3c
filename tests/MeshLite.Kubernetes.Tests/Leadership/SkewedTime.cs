using MeshLite.TestKit;

namespace MeshLite.Kubernetes.Tests.Leadership;

/// <summary>A clock that is off, and runs at another speed than the true one.</summary>
internal sealed class SkewedTime(ManualTimeProvider truth, TimeSpan offset, double speed) : TimeProvider
{
    private readonly DateTimeOffset _start = truth.GetUtcNow();

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => _start + offset + ((truth.GetUtcNow() - _start) * speed);

    public override long GetTimestamp() => GetUtcNow().Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new Timer(truth.CreateTimer(callback, state, ToTrue(dueTime), ToTrue(period)), ToTrue);

    private TimeSpan ToTrue(TimeSpan own) => own == Timeout.InfiniteTimeSpan ? own : own / speed;

    private sealed class Timer(ITimer inner, Func<TimeSpan, TimeSpan> toTrue) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => inner.Change(toTrue(dueTime), toTrue(period));

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
