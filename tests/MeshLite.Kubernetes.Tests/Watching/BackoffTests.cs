using FsCheck;
using FsCheck.Fluent;
using MeshLite.Kubernetes.Watching;

namespace MeshLite.Kubernetes.Tests.Watching;

public class BackoffTests
{
    private static readonly TimeSpan Min = TimeSpan.FromSeconds(0.8);
    private static readonly TimeSpan Max = TimeSpan.FromSeconds(30);

    /// <summary>The n-th wait is between min·2ⁿ and half as much again, and never past the max.</summary>
    [Fact]
    public void Next_AnySeed_GrowsWithinItsBounds() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var backoff = new Backoff(Min, Max, new Random(seed));
        for (var n = 0; n < 70; n++)
        {
            var lower = TimeSpan.FromSeconds(Math.Min(20, 0.8 * Math.Pow(2, n)));
            backoff.Next().ShouldBeInRange(lower, TimeSpan.FromTicks(Math.Min(Max.Ticks, (lower * 1.5).Ticks)));
        }
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Next_ServerAsksForMore_IsGranted() => new Backoff(Min, Max, new Random(1)).Next(TimeSpan.FromSeconds(45)).ShouldBe(TimeSpan.FromSeconds(45));

    [Fact]
    public void Next_ServerAsksForLess_OwnWaitStays() => new Backoff(Min, Max, new Random(1)).Next(TimeSpan.FromSeconds(0.1)).ShouldBeGreaterThanOrEqualTo(Min);

    [Fact]
    public void Reset_AfterFailures_BeginsAnew()
    {
        var backoff = new Backoff(Min, Max, new Random(1));
        for (var n = 0; n < 5; n++)
        {
            backoff.Next();
        }

        backoff.Reset();

        backoff.Next().ShouldBeLessThanOrEqualTo(Min * 1.5);
    }
}
