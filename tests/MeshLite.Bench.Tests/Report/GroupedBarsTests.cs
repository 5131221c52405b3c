using System.Xml.Linq;
using MeshLite.Bench.Report;

namespace MeshLite.Bench.Tests.Report;

public class GroupedBarsTests
{
    [Theory]
    [InlineData(0.9, 0.2)]
    [InlineData(1, 0.2)]
    [InlineData(1.7, 0.5)]
    [InlineData(4.2, 1)]
    [InlineData(93, 20)]
    public void NiceStep_AnyHeight_IsOneTwoOrFive(double highest, double step) => GroupedBars.NiceStep(highest).ShouldBe(step, 1e-9);

    [Fact]
    public void ToSvg_ValueMissing_HasABarForEachOtherAndIsWellFormed()
    {
        var chart = new GroupedBars
        {
            Title = "a < b",
            Unit = "ms",
            Groups = ["p50", "p99"],
            Bars = [new Series("one", "#111111", [1, 4]), new Series("two", "#222222", [2, null])],
        };

        var rectangles = XDocument.Parse(chart.ToSvg()).Descendants().Where(e => e.Name.LocalName == "rect").ToArray();
        var bars = rectangles.Where(r => r.Attribute("height")!.Value is not "12" && r.Attribute("fill")!.Value != "#ffffff").ToArray();

        // Heights are in proportion to the values; the highest tick is 4.
        bars.Select(b => (double)b.Attribute("height")!).ShouldBe([65, 130, 260]);
    }
}
