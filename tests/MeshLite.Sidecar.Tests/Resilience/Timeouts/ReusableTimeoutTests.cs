using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Timeouts;

public sealed class ReusableTimeoutTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Start_AgainForLater_IsCancelledThenAndNotBefore()
    {
        using var timeout = new ReusableTimeout(_time);
        Start(timeout, Second);
        Start(timeout, 3 * Second);

        _time.Advance(3 * Second - TimeSpan.FromTicks(1));
        timeout.Token.IsCancellationRequested.ShouldBeFalse();

        _time.Advance(TimeSpan.FromTicks(1));
        timeout.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void Start_AgainForEarlier_IsCancelledThen()
    {
        using var timeout = new ReusableTimeout(_time);
        Start(timeout, 3 * Second);
        Start(timeout, Second);

        _time.Advance(Second);

        timeout.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void Start_LongerThanATimerCounts_IsCancelledThen()
    {
        var years = TimeSpan.FromDays(1000);
        using var timeout = new ReusableTimeout(_time);
        Start(timeout, years);

        _time.Advance(years - Second);
        timeout.Token.IsCancellationRequested.ShouldBeFalse();

        _time.Advance(Second);
        timeout.Token.IsCancellationRequested.ShouldBeTrue();
    }

    [Fact]
    public void Start_ForEver_ArmsNothing()
    {
        using var timeout = new ReusableTimeout(_time);

        Start(timeout, TimeSpan.MaxValue);

        _time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public void IsOver_TimerIsLate_GoesByTheClock()
    {
        using var timeout = new ReusableTimeout(_time);
        Start(timeout, TimeSpan.FromMilliseconds(0.5));

        _time.Advance(TimeSpan.FromMilliseconds(0.4));
        timeout.IsOver.ShouldBeFalse();
        _time.Advance(TimeSpan.FromMilliseconds(0.1));

        timeout.Token.IsCancellationRequested.ShouldBeFalse();
        timeout.IsOver.ShouldBeTrue();
        timeout.TryReset();
        timeout.IsOver.ShouldBeFalse();
    }

    [Fact]
    public void TryReset_BeforeItIsDue_NothingComesOfIt()
    {
        using var timeout = new ReusableTimeout(_time);
        Start(timeout, Second);

        timeout.TryReset().ShouldBeTrue();
        _time.Advance(2 * Second);

        timeout.Token.IsCancellationRequested.ShouldBeFalse();
    }

    [Fact]
    public void TryReset_Cancelled_IsOfNoMoreUse()
    {
        using var due = new ReusableTimeout(_time);
        Start(due, Second);
        _time.Advance(Second);
        using var cancelled = new ReusableTimeout(_time);
        cancelled.Cancel();

        due.TryReset().ShouldBeFalse();
        cancelled.TryReset().ShouldBeFalse();
    }

    [Fact]
    public void TryReset_UsedOften_LeavesItsTimerOnlyThen()
    {
        using var timeout = new ReusableTimeout(_time);
        for (var use = 1; use <= ReusableTimeout.Settled; use++)
        {
            Start(timeout, Second);
            timeout.TryReset();
            _time.PendingTimers.ShouldBe(use < ReusableTimeout.Settled ? 0 : 1, $"use {use}");
        }

        _time.Advance(Second);
        _time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public void Dispose_Armed_LeavesNoTimer()
    {
        var timeout = new ReusableTimeout(_time);
        Start(timeout, Second);

        timeout.Dispose();

        _time.PendingTimers.ShouldBe(0);
    }

    /// <summary>Whatever is started, waited and reset: never cancelled before what was started last is due, and at most a millisecond, which is what timers count, after.</summary>
    [Fact]
    public void Token_AnySequence_IsCancelledWhenDue() => Prop.ForAll(
        Gen.Zip(Gen.Choose(0, 9), Gen.Choose(0, 40_000)).ListOf().ToArbitrary(),
        steps =>
        {
            var time = new ManualTimeProvider();
            var timeout = new ReusableTimeout(time);
            long? due = null;
            foreach (var (kind, ticks) in steps)
            {
                switch (kind)
                {
                    case < 4:
                        due = time.GetTimestamp() + ticks;
                        timeout.Start(time.GetTimestamp(), TimeSpan.FromTicks(ticks));
                        time.Advance(TimeSpan.Zero);
                        break;
                    case < 8:
                        time.Advance(TimeSpan.FromTicks(ticks));
                        break;
                    default:
                        timeout.TryReset().ShouldBe(!timeout.Token.IsCancellationRequested);
                        due = null;
                        break;
                }

                var late = time.GetTimestamp() - due;
                if (late is null or < 0)
                {
                    timeout.Token.IsCancellationRequested.ShouldBeFalse();
                }
                else if (late >= TimeSpan.TicksPerMillisecond)
                {
                    timeout.Token.IsCancellationRequested.ShouldBeTrue();
                }

                if (timeout.Token.IsCancellationRequested)
                {
                    timeout.Dispose();
                    timeout = new ReusableTimeout(time);
                    due = null;
                }
            }

            timeout.Dispose();
            time.PendingTimers.ShouldBe(0);
        }).QuickCheckThrowOnFailure();

    private void Start(ReusableTimeout timeout, TimeSpan left) => timeout.Start(_time.GetTimestamp(), left);
}
