using FsCheck;
using FsCheck.Fluent;
using MeshLite.Bench.Results;

namespace MeshLite.Bench.Tests.Results;

public class LatenciesTests
{
    // Of 1,000 values exactly one is above the 99.9th percentile, though 99.9 / 100 is a little more than 0.999 in binary.
    [Fact]
    public void Percentile_ThousandValues_IsTheNearestRank()
    {
        var latencies = new Latencies(Enumerable.Range(1, 1_000).Reverse().Select(i => TimeSpan.FromMilliseconds(i)));

        latencies.Percentile(50).TotalMilliseconds.ShouldBe(500);
        latencies.Percentile(99).TotalMilliseconds.ShouldBe(990);
        latencies.Percentile(99.9).TotalMilliseconds.ShouldBe(999);
        latencies.Percentile(100).TotalMilliseconds.ShouldBe(1_000);
    }

    [Fact]
    public void Percentile_NoValues_IsZero() => new Latencies([]).Percentile(99).ShouldBe(TimeSpan.Zero);

    // The definition: the smallest value that at least so many percent do not exceed.
    [Fact]
    public void Percentile_AnyValues_IsTheSmallestThatEnoughDoNotExceed() => Prop.ForAll(
        Gen.NonEmptyListOf(Gen.Choose(0, 50)).Zip(Gen.Choose(1, 100)).ToArbitrary(),
        pair =>
        {
            var (values, percent) = pair;
            var found = (int)new Latencies(values.Select(v => TimeSpan.FromMilliseconds(v))).Percentile(percent).TotalMilliseconds;

            return values.Count(v => v <= found) * 100 >= percent * values.Count && values.Count(v => v < found) * 100 < percent * values.Count;
        }).QuickCheckThrowOnFailure();
}
