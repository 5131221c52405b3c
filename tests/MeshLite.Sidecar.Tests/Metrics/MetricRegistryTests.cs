using System.IO.Pipelines;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class MetricRegistryTests : IDisposable
{
    private readonly MetricRegistry _registry = new(new ManualTimeProvider());

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Write_Text_IsPrometheusText()
    {
        Fill();

        Exposition.Write(_registry).ShouldBe("""
            # HELP meshlite_metric_callback_failures_total Metric callbacks that failed, by family; its samples are missing from that scrape.
            # TYPE meshlite_metric_callback_failures_total counter
            # HELP calls_total Calls "made",\nwith \\.
            # TYPE calls_total counter
            calls_total{to="a\\b\"c\nd"} 3
            # HELP depth_ratio Depth.
            # TYPE depth_ratio gauge
            depth_ratio NaN
            # HELP wait_seconds Wait.
            # TYPE wait_seconds histogram
            wait_seconds_bucket{to="x",le="0.5"} 0
            wait_seconds_bucket{to="x",le="1"} 1
            wait_seconds_bucket{to="x",le="+Inf"} 2
            wait_seconds_sum{to="x"} 2.25
            wait_seconds_count{to="x"} 2

            """);
    }

    [Fact]
    public void Write_OpenMetrics_NamesFamiliesWithoutTotalAndEnds()
    {
        Fill();

        Exposition.Write(_registry, ExpositionFormat.OpenMetrics).ShouldBe("""
            # HELP meshlite_metric_callback_failures Metric callbacks that failed, by family; its samples are missing from that scrape.
            # TYPE meshlite_metric_callback_failures counter
            # HELP calls Calls \"made\",\nwith \\.
            # TYPE calls counter
            calls_total{to="a\\b\"c\nd"} 3
            # HELP depth_ratio Depth.
            # TYPE depth_ratio gauge
            # UNIT depth_ratio ratio
            depth_ratio NaN
            # HELP wait_seconds Wait.
            # TYPE wait_seconds histogram
            # UNIT wait_seconds seconds
            wait_seconds_bucket{to="x",le="0.5"} 0
            wait_seconds_bucket{to="x",le="1.0"} 1
            wait_seconds_bucket{to="x",le="+Inf"} 2
            wait_seconds_sum{to="x"} 2.25
            wait_seconds_count{to="x"} 2
            # EOF

            """);
    }

    [Fact]
    public void Write_AnyLabelValue_ReadsBackAsWritten() =>
        Prop.ForAll<string, string>((a, b) =>
        {
            using var registry = new MetricRegistry(new ManualTimeProvider());
            registry.AddCounter("x_total", "X.", "a", "b").Series(a ?? "", b ?? "").Add(7);

            // UTF-8 has no lone surrogates.
            Exposition.Samples(registry)[$"x_total{{a={Scalars(a)},b={Scalars(b)}}}"].ShouldBe(7);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Write_AnyNumber_ReadsBackAsWritten() =>
        Prop.ForAll<double>(value =>
        {
            using var registry = new MetricRegistry(new ManualTimeProvider());
            registry.AddGauge("x", "X.").Series().Set(value);

            Exposition.Samples(registry)["x"].ShouldBe(value);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task WriteAsync_ToAPipe_WritesTheSame()
    {
        Fill();
        var pipe = new Pipe();

        var writing = _registry.WriteAsync(pipe.Writer, ExpositionFormat.OpenMetrics, TestContext.Current.CancellationToken).AsTask()
            .ContinueWith(_ => pipe.Writer.Complete(), TaskScheduler.Default);
        using var reader = new StreamReader(pipe.Reader.AsStream(), Encoding.UTF8);
        var text = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        await writing;
        text.ShouldBe(Exposition.Write(_registry, ExpositionFormat.OpenMetrics));
    }

    [Fact]
    public void Write_CallbackThatFails_LeavesTheOthersAndCounts()
    {
        _registry.AddGaugeCallback("broken", "X.", ["a"], samples =>
        {
            samples.Add(1, "half");
            throw new InvalidOperationException("no");
        });
        _registry.AddGaugeCallback("fine", "X.", ["a"], samples => samples.Add(2, "x"));

        Exposition.Write(_registry).ShouldNotContain("broken");
        var samples = Exposition.Samples(_registry);

        samples["fine{a=x}"].ShouldBe(2);
        samples["meshlite_metric_callback_failures_total{family=broken}"].ShouldBe(1);
    }

    [Fact]
    public void AddGaugeCallback_SameSeriesTwice_IsRefused()
    {
        _registry.AddGaugeCallback("twice", "X.", ["a"], samples =>
        {
            samples.Add(1, "x");
            samples.Add(1, "x");
        });

        Exposition.Write(_registry).ShouldNotContain("twice{");
    }

    [Fact]
    public void Add_NameTakenAlready_Throws()
    {
        _registry.AddCounter("x_total", "X.");

        Should.Throw<InvalidOperationException>(() => _registry.AddCounter("x_total", "X."));
        // OpenMetrics counts _total to the sample: these two would be one family.
        Should.Throw<InvalidOperationException>(() => _registry.AddGauge("x", "X."));
    }

    [Theory]
    [InlineData("requests", "X.", "a")]
    [InlineData("1_total", "X.", "a")]
    [InlineData("é_total", "X.", "a")]
    [InlineData("_total_sum", "X.", "a")]
    [InlineData("x_total", " ", "a")]
    [InlineData("x_total", "X.", "le")]
    [InlineData("x_total", "X.", "__a")]
    [InlineData("x_total", "X.", "a:b")]
    [InlineData("x_total", "X.", "")]
    public void AddCounter_NamesPrometheusWouldRefuse_Throws(string name, string help, string label) =>
        Should.Throw<ArgumentException>(() => _registry.AddCounter(name, help, label));

    [Fact]
    public void AddGauge_NameOfACounter_Throws() => Should.Throw<ArgumentException>(() => _registry.AddGauge("x_total", "X."));

    [Theory]
    [InlineData(null, ExpositionFormat.Text)]
    [InlineData("", ExpositionFormat.Text)]
    [InlineData("*/*", ExpositionFormat.Text)]
    [InlineData("text/plain", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text", ExpositionFormat.OpenMetrics)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text;q=0.3,text/plain;q=0.4", ExpositionFormat.Text)]
    [InlineData("text/plain;q=0.4 , Application/OpenMetrics-Text ; Q=0.5", ExpositionFormat.OpenMetrics)]
    [InlineData("application/openmetrics-text;q=nonsense", ExpositionFormat.Text)]
    [InlineData("application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", ExpositionFormat.OpenMetrics)]
    [InlineData("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,*/*;q=0.3", ExpositionFormat.OpenMetrics)]
    public void Negotiate_Accept_ChoosesTheFormat(string? accept, ExpositionFormat expected) => ExpositionFormats.Negotiate(accept).ShouldBe(expected);

    private static string Scalars(string? text) => string.Concat((text ?? "").EnumerateRunes().Select(rune => rune.ToString()));

    private void Fill()
    {
        _registry.AddCounter("calls_total", "Calls \"made\",\nwith \\.", "to").Series("a\\b\"c\nd").Add(3);
        _registry.AddGauge("depth_ratio", "Depth.").Series().Set(double.NaN);
        var wait = _registry.AddHistogram("wait_seconds", "Wait.", new FamilyOptions { Buckets = new[] { 0.5, 1 } }, "to").Series("x");
        wait.Observe(0.75);
        wait.Observe(1.5);
    }
}
