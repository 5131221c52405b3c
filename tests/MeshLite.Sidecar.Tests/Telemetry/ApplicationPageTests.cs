using System.Text;
using MeshLite.Metrics;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar.Tests.Telemetry;

public sealed class ApplicationPageTests
{
    [Fact]
    public void Read_Page_KnowsItsNamesAndLosesItsEnd()
    {
        var page = Read("# HELP a_total What.\r\n# TYPE a_total counter\n\na_total{x=\"1\"} 1\nb 2 1700000000\n# a comment\n{\"c.d\",x=\"1\"} 3\n# EOF\n").ShouldNotBeNull();

        page.Names.ShouldBe(["a_total", "b", "c.d"], ignoreOrder: true);
        Encoding.UTF8.GetString(page.Body.Span).ShouldBe("# HELP a_total What.\n# TYPE a_total counter\na_total{x=\"1\"} 1\nb 2 1700000000\n# a comment\n{\"c.d\",x=\"1\"} 3\n");
    }

    [Fact]
    public void Read_LastLineNotEnded_IsEnded() => Encoding.UTF8.GetString(Read("a 1").ShouldNotBeNull().Body.Span).ShouldBe("a 1\n");

    [Fact]
    public void Read_Empty_IsEmpty() => Read("").ShouldNotBeNull().Body.Length.ShouldBe(0);

    [Theory]
    [InlineData("<html>\n")]
    [InlineData("a 1\n{}\n")]
    [InlineData("nothing\n")]
    [InlineData("9a 1\n")]
    public void Read_SomethingElse_IsRefused(string text) => Read(text).ShouldBeNull();

    private static ApplicationPage? Read(string text) => ApplicationPage.Read(ExpositionFormat.Text, Encoding.UTF8.GetBytes(text));
}
