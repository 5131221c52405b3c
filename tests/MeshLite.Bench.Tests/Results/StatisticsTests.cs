using MeshLite.Bench.Results;

namespace MeshLite.Bench.Tests.Results;

public class StatisticsTests
{
    [Theory]
    [InlineData(new double[] { 3, 1, 2 }, 2)]
    [InlineData(new double[] { 4, 1, 3, 2 }, 2.5)]
    [InlineData(new double[] { 7 }, 7)]
    public void Median_OddOrEven_IsTheMiddle(double[] values, double median) => Statistics.Median(values).ShouldBe(median);

    [Fact]
    public void Spread_SeveralValues_HasMedianLowestHighest() => Spread.Of([3, 10, 1]).ShouldBe(new Spread(3, 1, 10));
}
