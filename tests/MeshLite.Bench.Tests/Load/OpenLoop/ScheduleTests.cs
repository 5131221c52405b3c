using FsCheck;
using FsCheck.Fluent;
using MeshLite.Bench.Load.OpenLoop;

namespace MeshLite.Bench.Tests.Load.OpenLoop;

public class ScheduleTests
{
    private const long Frequency = 1_000_000_000;

    [Fact]
    public void For_AnyRate_HoldsAsManyAsAreDue()
    {
        var schedule = Schedule.For(TimeSpan.FromSeconds(8), 2_000, 5, Frequency);

        schedule.Count.ShouldBe(16_000);
        schedule.At(0).ShouldBe(5);
        schedule.At(15_999).ShouldBe(5 + (15_999L * 500_000));
    }

    // 1/rate is no whole number of ticks: the error of one request must not add to the next one's.
    [Fact]
    public void At_AnyRateAndIndex_IsWithinATickOfTheFormula() => Prop.ForAll(
        Gen.Choose(1, 50_000).Zip(Gen.Choose(0, 1_000_000)).ToArbitrary(),
        pair =>
        {
            var (rate, index) = pair;
            var schedule = new Schedule(17, rate, index + 1, Frequency);

            var exact = 17 + ((decimal)index * Frequency / rate);
            return Math.Abs(schedule.At(index) - exact) <= 1;
        }).QuickCheckThrowOnFailure();
}
