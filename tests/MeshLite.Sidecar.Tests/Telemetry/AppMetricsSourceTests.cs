using MeshLite.Hosting;
using MeshLite.Sidecar.Telemetry;

namespace MeshLite.Sidecar.Tests.Telemetry;

public sealed class AppMetricsSourceTests
{
    [Fact]
    public void Parse_BothForms_AreRead()
    {
        AppMetricsSource.Parse("--app-metrics", "8080/metrics").ShouldBe(new AppMetricsSource(false, 8080, "/metrics"));
        AppMetricsSource.Parse("--app-metrics", "https:8443/a/b?c=d").ShouldBe(new AppMetricsSource(true, 8443, "/a/b?c=d"));
        AppMetricsSource.Parse("--app-metrics", "").ShouldBeNull();
    }

    [Theory]
    [InlineData("8080")]
    [InlineData("/metrics")]
    [InlineData("http:8080/metrics")]
    [InlineData("0/metrics")]
    [InlineData("65536/metrics")]
    [InlineData("localhost:8080/metrics")]
    public void Parse_Wrong_IsTheOptionsFault(string text) =>
        Should.Throw<StartupException>(() => AppMetricsSource.Parse("--app-metrics", text)).Message.ShouldStartWith("--app-metrics: ");
}
