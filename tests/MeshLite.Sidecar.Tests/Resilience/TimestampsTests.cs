using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Resilience;

namespace MeshLite.Sidecar.Tests.Resilience;

public sealed class TimestampsTests
{
    /// <summary>There and back loses at most what the coarser of the two can't say, and never gains.</summary>
    [Fact]
    public void ToTimeSpan_OfFromTimeSpan_NeverLongerAndAtMostOneUnitShorter() => Prop.ForAll(
        (from bits in Gen.Choose(1, 62) from low in Gen.Choose(0, int.MaxValue) from frequency in Gen.Elements(1_000L, 10_000_000L, 24_000_000L, 1_000_000_000L)
         select (Ticks: ((1L << bits) - 1) ^ (low % (1L << bits)), frequency)).ToArbitrary(),
        drawn =>
        {
            var duration = TimeSpan.FromTicks(drawn.Ticks);
            var units = Timestamps.FromTimeSpan(duration, drawn.frequency);
            var back = Timestamps.ToTimeSpan(units, drawn.frequency);

            back.ShouldBeLessThanOrEqualTo(duration);
            if (units < long.MaxValue)
            {
                (duration - back).Ticks.ShouldBeLessThanOrEqualTo(1 + (TimeSpan.TicksPerSecond / drawn.frequency));
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void FromTimeSpan_PastTheRange_IsItsEnd() => Timestamps.FromTimeSpan(TimeSpan.MaxValue, 1_000_000_000).ShouldBe(long.MaxValue);
}
