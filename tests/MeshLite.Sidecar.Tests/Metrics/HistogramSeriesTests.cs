using FsCheck;
using FsCheck.Fluent;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class HistogramSeriesTests : IDisposable
{
    private readonly MetricRegistry _registry = new(new ManualTimeProvider());

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

    [Theory]
    [InlineData(new double[0])]
    [InlineData(new[] { 1.0, 1.0 })]
    [InlineData(new[] { 2.0, 1.0 })]
    [InlineData(new[] { 1.0, double.PositiveInfinity })]
    public void AddHistogram_BoundsThatAreNone_Throws(double[] bounds) =>
        Should.Throw<ArgumentException>(() => _registry.AddHistogram("x_seconds", "X.", new FamilyOptions { Buckets = bounds }));
}
