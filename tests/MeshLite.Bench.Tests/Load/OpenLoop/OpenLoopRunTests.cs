using MeshLite.Bench.Load.OpenLoop;

namespace MeshLite.Bench.Tests.Load.OpenLoop;

public class OpenLoopRunTests
{
    // Milliseconds.
    private const long Frequency = 1_000;

    [Fact]
    public void TryTake_BeforeItIsDue_IsFalse()
    {
        var run = new OpenLoopRun(new Schedule(100, 10, 2, Frequency));

        run.TryTake(99, out _).ShouldBeFalse();
        run.TryTake(100, out var first).ShouldBeTrue();
        first.ShouldBe(0);
        run.TryTake(199, out _).ShouldBeFalse();
        run.NextAt.ShouldBe(200);
        run.TryTake(200, out _).ShouldBeTrue();
        run.AllTaken.ShouldBeTrue();
        run.NextAt.ShouldBe(long.MaxValue);
    }

    // 100/s for 2 s over one connection to a server that answers within 1 ms, but stalls for the whole of the first second:
    // a closed loop would see one slow request. Every one that was due meanwhile has waited.
    [Fact]
    public void Complete_ServerStallsForASecond_EveryRequestDueMeanwhileIsChargedItsWait()
    {
        var run = new OpenLoopRun(new Schedule(0, 100, 200, Frequency));

        var now = 1_000L;
        run.TryTake(0, out var stalled).ShouldBeTrue();
        run.Complete(stalled, now);
        while (!run.AllTaken)
        {
            now = Math.Max(now, run.NextAt);
            run.TryTake(now, out var index).ShouldBeTrue();
            run.Complete(index, ++now);
        }

        var latencies = run.Latencies();
        latencies.Count.ShouldBe(200);
        latencies.Percentile(100).ShouldBe(TimeSpan.FromSeconds(1));
        latencies.Percentile(75).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(400));
        latencies.Percentile(40).ShouldBe(TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void Latencies_SomeUnanswered_CountsTheOthers()
    {
        var run = new OpenLoopRun(new Schedule(0, 100, 3, Frequency));
        run.TryTake(0, out _).ShouldBeTrue();
        run.TryTake(10, out var second).ShouldBeTrue();

        run.Complete(second, 15);

        run.Answered.ShouldBe(1);
        run.Latencies().Count.ShouldBe(1);
        run.Latencies().Percentile(50).ShouldBe(TimeSpan.FromMilliseconds(5));
    }
}
