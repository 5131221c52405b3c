using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.CircuitBreaker;

public sealed class FailureWindowTests
{
    private readonly ManualTimeProvider _time = new();

    /// <summary>Counts what lies less than ten slots back, the slot under way being one of them: never what is older than the window.</summary>
    [Fact]
    public void Count_AnyHistory_IsWhatHappenedWithinTheLastTenSlots() => Prop.ForAll(
        (from seconds in Gen.Elements(1, 10, 300)
         from steps in Gen.OneOf(Gen.Choose(0, 300), Gen.Choose(0, 60_000)).Zip(Gen.Choose(0, 1)).ListOf()
         select (seconds, steps)).ToArbitrary(),
        drawn =>
        {
            var time = new ManualTimeProvider();
            var window = new FailureWindow(TimeSpan.FromSeconds(drawn.seconds), time);
            var history = new List<(long At, int Failed)>();
            var now = 0L;
            foreach (var (wait, failed) in drawn.steps)
            {
                time.Advance(TimeSpan.FromMilliseconds(wait));
                now += wait;
                history.Add((now, failed));
                if (failed == 1)
                {
                    window.RecordFailure();
                }
                else
                {
                    window.RecordSuccess();
                }

                var slot = drawn.seconds * 100;
                var within = history.Where(h => (now / slot) - (h.At / slot) < 10).ToList();
                window.Count().ShouldBe((within.Count(h => h.Failed == 0), within.Sum(h => h.Failed)));
                within.ShouldAllBe(h => now - h.At < drawn.seconds * 1000);
                history.Where(h => now - h.At <= drawn.seconds * 900).Except(within).ShouldBeEmpty();
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Record_FromManyThreads_LosesNone()
    {
        var window = new FailureWindow(TimeSpan.FromSeconds(10), _time);

        await InParallel.RunAsync(_ =>
        {
            for (var i = 0; i < 100_000; i++)
            {
                window.RecordSuccess();
                if (i % 4 == 0)
                {
                    window.RecordFailure();
                }
            }
        });

        window.Count().ShouldBe((400_000, 100_000));
    }
}
