using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class HistogramSeriesTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;

    public HistogramSeriesTests() => _registry = new MetricRegistry(_time);

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Observe_OnABound_CountsAsLessOrEqual()
    {
        var histogram = _registry.AddHistogram("x_seconds", "X.", new FamilyOptions { Buckets = new[] { 1.0, 2.0 } }).Series();

        histogram.Observe(1);
        histogram.Observe(1.0000001);
        histogram.Observe(2.5);

        var samples = Exposition.Samples(_registry);
        samples["x_seconds_bucket{le=1}"].ShouldBe(1);
        samples["x_seconds_bucket{le=2}"].ShouldBe(2);
        samples["x_seconds_bucket{le=+Inf}"].ShouldBe(3);
        samples["x_seconds_count"].ShouldBe(3);
        samples["x_seconds_sum"].ShouldBe(4.5000001, 1e-9);
    }

    [Fact]
    public void Observe_NotANumber_IsIgnored()
    {
        var histogram = _registry.AddHistogram("x_seconds", "X.").Series();

        histogram.Observe(double.NaN);

        var samples = Exposition.Samples(_registry);
        samples["x_seconds_count"].ShouldBe(0);
        samples["x_seconds_sum"].ShouldBe(0);
    }

    [Fact]
    public void Observe_AnyValues_BucketsAreCumulativeAndCountAll() =>
        Prop.ForAll<double[], NormalFloat[]>((bounds, values) =>
        {
            var checkedBounds = bounds.Where(double.IsFinite).Distinct().Order().ToArray();
            if (checkedBounds.Length == 0)
            {
                return;
            }

            using var registry = new MetricRegistry(new ManualTimeProvider());
            var histogram = registry.AddHistogram("x_seconds", "X.", new FamilyOptions { Buckets = checkedBounds }).Series();
            foreach (var value in values)
            {
                histogram.Observe(value.Get);
            }

            var samples = Exposition.Samples(registry);
            foreach (var bound in checkedBounds)
            {
                samples[$"x_seconds_bucket{{le={bound:R}}}"].ShouldBe(values.Count(v => v.Get <= bound));
            }

            samples["x_seconds_bucket{le=+Inf}"].ShouldBe(values.Length);
            samples["x_seconds_count"].ShouldBe(values.Length);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task Observe_FromManyThreads_LosesNothingAndCountIsTheLastBucket()
    {
        const int Threads = 4;
        const int Rounds = 50_000;
        var histogram = _registry.AddHistogram("x_seconds", "X.").Series();
        var done = 0;
        var writers = Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                histogram.Observe(thread * 0.25);
            }
        }))).ContinueWith(_ => Volatile.Write(ref done, 1), TaskScheduler.Default);

        var last = 0.0;
        while (Volatile.Read(ref done) == 0)
        {
            var seen = Exposition.Samples(_registry);
            seen["x_seconds_count"].ShouldBe(seen["x_seconds_bucket{le=+Inf}"]);
            seen["x_seconds_count"].ShouldBeGreaterThanOrEqualTo(last);
            last = seen["x_seconds_count"];
        }

        await writers;
        var samples = Exposition.Samples(_registry);
        samples["x_seconds_count"].ShouldBe(Threads * Rounds);
        samples["x_seconds_bucket{le=0.25}"].ShouldBe(2 * Rounds);
        samples["x_seconds_sum"].ShouldBe(Rounds * (0.25 + 0.5 + 0.75));
    }

    [Fact]
    public void Observe_WithSpan_IsTheExemplarOfItsBucketInOpenMetricsOnly()
    {
        var histogram = _registry.AddHistogram("x_seconds", "X.", new FamilyOptions { Buckets = new[] { 1.0, 2.0 } }, "a").Series("b");
        histogram.Observe(0.5, new TraceExemplar(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736, 0x00f067aa0ba902b7));
        _time.Advance(TimeSpan.FromMilliseconds(1500));
        histogram.Observe(1.25, new TraceExemplar(1, 2, 3));
        histogram.Observe(1.5, new TraceExemplar(4, 5, 6));
        histogram.Observe(1.75);
        histogram.Observe(3);

        Exposition.Write(_registry).ShouldNotContain("trace_id");
        Exposition.Write(_registry, ExpositionFormat.OpenMetrics).Split('\n').Where(line => line.StartsWith("x_seconds", StringComparison.Ordinal)).ShouldBe(
        [
            """x_seconds_bucket{a="b",le="1.0"} 1 # {trace_id="4bf92f3577b34da6a3ce929d0e0e4736",span_id="00f067aa0ba902b7"} 0.5 1767225600.000""",
            """x_seconds_bucket{a="b",le="2.0"} 4 # {trace_id="00000000000000040000000000000005",span_id="0000000000000006"} 1.5 1767225601.500""",
            """x_seconds_bucket{a="b",le="+Inf"} 5""",
            """x_seconds_sum{a="b"} 8""",
            """x_seconds_count{a="b"} 5""",
        ]);
    }

    // OpenMetrics 1.0: "the exemplar MUST be within the bucket", at most 128 characters of label names and values.
    [Fact]
    public void Observe_AnyValuesWithSpans_EachExemplarIsWithinItsBucket() =>
        Prop.ForAll<(NormalFloat Value, bool Traced)[]>(observations =>
        {
            using var registry = new MetricRegistry(_time);
            var histogram = registry.AddHistogram("x_seconds", "X.", new FamilyOptions { Buckets = new[] { -10.0, 0, 1, 100 } }).Series();
            foreach (var (value, traced) in observations)
            {
                histogram.Observe(value.Get, traced ? new TraceExemplar(1, 1, 1) : default);
            }

            var below = double.NegativeInfinity;
            foreach (var line in Exposition.Write(registry, ExpositionFormat.OpenMetrics).Split('\n').Where(line => line.StartsWith("x_seconds_bucket", StringComparison.Ordinal)))
            {
                var le = line.Split('"')[1] is "+Inf" ? double.PositiveInfinity : double.Parse(line.Split('"')[1], CultureInfo.InvariantCulture);
                var last = observations.LastOrDefault(o => o.Traced && o.Value.Get > below && o.Value.Get <= le);
                line.Contains(" # ").ShouldBe(last.Traced);
                if (last.Traced)
                {
                    double.Parse(line.Split("} ")[^1].Split(' ')[0], CultureInfo.InvariantCulture).ShouldBe(last.Value.Get);
                }

                below = le;
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(new double[0])]
    [InlineData(new[] { 1.0, 1.0 })]
    [InlineData(new[] { 2.0, 1.0 })]
    [InlineData(new[] { 1.0, double.PositiveInfinity })]
    public void AddHistogram_BoundsThatAreNone_Throws(double[] bounds) =>
        Should.Throw<ArgumentException>(() => _registry.AddHistogram("x_seconds", "X.", new FamilyOptions { Buckets = bounds }));
}
