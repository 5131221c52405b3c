using System.Runtime.CompilerServices;
using MeshLite.Metrics;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Metrics;

public sealed class SeriesFamilyTests : IDisposable
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;

    public SeriesFamilyTests() => _registry = new MetricRegistry(_time);

    public void Dispose() => _registry.Dispose();

    [Fact]
    public void Series_SameLabelValues_IsTheSameHandle()
    {
        var family = _registry.AddCounter("x_total", "X.", "a", "b");

        family.Series("1", "2").ShouldBeSameAs(family.Series("1", "2"));
        family.Series("1", "2").ShouldNotBeSameAs(family.Series("2", "1"));
        Should.Throw<ArgumentException>(() => family.Series("1"));
    }

    [Fact]
    public void Series_IdleForTenMinutes_LeavesTheExposition()
    {
        var family = _registry.AddCounter("x_total", "X.", "a");
        var idle = family.Series("idle");
        var busy = family.Series("busy");
        for (var minute = 0; minute < 9; minute++)
        {
            busy.Increment();
            _time.Advance(Minute);
        }

        idle.IsExposed.ShouldBeTrue();
        Exposition.Samples(_registry).ShouldContainKey("x_total{a=idle}");

        busy.Increment();
        _time.Advance(2 * Minute);

        idle.IsExposed.ShouldBeFalse();
        var samples = Exposition.Samples(_registry);
        samples.ShouldNotContainKey("x_total{a=idle}");
        samples["x_total{a=busy}"].ShouldBe(10);
    }

    [Fact]
    public void Add_ThroughAHandleHeldOverExpiry_BringsTheSeriesBackWithItsValue()
    {
        var family = _registry.AddCounter("x_total", "X.", "a");
        var held = family.Series("1");
        held.Add(5);
        _time.Advance(20 * Minute);
        Exposition.Samples(_registry).ShouldNotContainKey("x_total{a=1}");

        held.Increment();

        Exposition.Samples(_registry)["x_total{a=1}"].ShouldBe(6);
        _time.Advance(20 * Minute);
        Exposition.Samples(_registry).ShouldNotContainKey("x_total{a=1}");
        held.Increment();
        Exposition.Samples(_registry)["x_total{a=1}"].ShouldBe(7);
    }

    [Fact]
    public void Series_OfADormantOneThatIsHeld_IsThatOne()
    {
        var family = _registry.AddCounter("x_total", "X.", "a");
        var held = family.Series("1");
        held.Add(5);
        _time.Advance(20 * Minute);

        var again = family.Series("1");

        again.ShouldBeSameAs(held);
        Exposition.Samples(_registry)["x_total{a=1}"].ShouldBe(5);
    }

    [Fact]
    public void Series_OfADormantOneNobodyHolds_StartsFromZero()
    {
        var family = _registry.AddCounter("x_total", "X.", "a");
        UseOnce(family, "1");
        _time.Advance(20 * Minute);
        GC.Collect();

        family.Series("1").Value.ShouldBe(0);
    }

    [Fact]
    public void Series_BeyondTheCap_IsTheOverflowSeries()
    {
        var family = _registry.AddCounter("x_total", "X.", new FamilyOptions { MaxSeries = 2 }, "a", "b");
        var first = family.Series("1", "x");
        family.Series("2", "x");

        family.Series("3", "x").Increment();
        family.Series("4", "x").Increment();
        first.Increment();

        var samples = Exposition.Samples(_registry);
        samples["x_total{a=_other,b=_other}"].ShouldBe(2);
        samples["x_total{a=1,b=x}"].ShouldBe(1);
        family.Count.ShouldBe(3);
        family.Series("1", "x").ShouldBeSameAs(first);
    }

    [Fact]
    public void Series_AfterOthersExpiredAndWereLetGo_HasTheirPlace()
    {
        var family = _registry.AddCounter("x_total", "X.", new FamilyOptions { MaxSeries = 1 }, "a");
        UseOnce(family, "1");
        _time.Advance(20 * Minute);
        GC.Collect();

        family.Series("2").Increment();

        Exposition.Samples(_registry)["x_total{a=2}"].ShouldBe(1);
    }

    [Fact]
    public void Add_ThroughAHandleHeldOverExpiry_FindsItsPlaceAtTheCap()
    {
        var family = _registry.AddCounter("x_total", "X.", new FamilyOptions { MaxSeries = 1 }, "a");
        var held = family.Series("1");
        _time.Advance(20 * Minute);
        GC.Collect();

        // The place of a handle that is held is kept for it.
        family.Series("2").Increment();
        held.Increment();

        var samples = Exposition.Samples(_registry);
        samples["x_total{a=1}"].ShouldBe(1);
        samples["x_total{a=_other}"].ShouldBe(1);
        samples.ShouldNotContainKey("x_total{a=2}");
    }

    [Fact]
    public void Gauge_Idle_Stays()
    {
        var gauge = _registry.AddGauge("x_bytes", "X.", "a").Series("1");
        gauge.Set(3);

        _time.Advance(100 * Minute);

        Exposition.Samples(_registry)["x_bytes{a=1}"].ShouldBe(3);
    }

    [Fact]
    public void Gauge_Removed_LeavesUntilUsedAgain()
    {
        var gauge = _registry.AddGauge("x_bytes", "X.", "a").Series("1");
        gauge.Set(3);

        gauge.Remove();
        gauge.Remove();
        Exposition.Samples(_registry).ShouldNotContainKey("x_bytes{a=1}");

        gauge.Add(1);
        Exposition.Samples(_registry)["x_bytes{a=1}"].ShouldBe(4);
    }

    [Fact]
    public void Counter_WithoutLabels_StandsAtZeroFromTheStartAndStays()
    {
        _registry.AddCounter("x_total", "X.").Series();

        _time.Advance(100 * Minute);

        Exposition.Samples(_registry)["x_total"].ShouldBe(0);
    }

    [Fact]
    public async Task Add_WhileSweepsTakeSeriesAway_LosesNothing()
    {
        // An idle time of zero: every second sweep takes the series away under the writers' hands.
        var family = _registry.AddCounter("x_total", "X.", new FamilyOptions { IdleTimeout = TimeSpan.Zero }, "a");
        var series = Enumerable.Range(0, 4).Select(i => family.Series($"{i}")).ToArray();
        var stop = 0;
        var added = new long[3, 4];
        var writers = Task.WhenAll(Enumerable.Range(0, 3).Select(writer => Task.Run(() =>
        {
            for (var i = 0; Volatile.Read(ref stop) == 0; i = (i + 1) % 4)
            {
                series[i].Increment();
                added[writer, i]++;
            }
        })));

        var left = 0;
        while (left < 1000)
        {
            family.Sweep(_time.GetTimestamp());
            left += series.Count(s => !s.IsExposed);
        }

        Volatile.Write(ref stop, 1);
        await writers;
        for (var i = 0; i < 4; i++)
        {
            var expected = added[0, i] + added[1, i] + added[2, i];
            series[i].Value.ShouldBe(expected);
            // Used again, it is there, once.
            series[i].Increment();
            Exposition.Samples(_registry)[$"x_total{{a={i}}}"].ShouldBe(expected + 1);
        }

        family.Count.ShouldBe(4);
    }

    [Fact]
    public void RecordAndLookup_OfKnownSeries_AllocateNothing()
    {
        var counters = _registry.AddCounter("x_total", "X.", "a", "b");
        var histograms = _registry.AddHistogram("x_seconds", "X.", "a");
        var gauge = _registry.AddGauge("x_bytes", "X.").Series();

        Allocations.Of(() => Use(counters, histograms, gauge)).ShouldBe(0);
    }

    private static void Use(CounterFamily counters, HistogramFamily histograms, GaugeSeries gauge)
    {
        counters.Series("1", "2").Increment();
        counters.Series("1", "2").Add(0.5);
        histograms.Series("1").Observe(0.3);
        gauge.Set(1);
        gauge.Add(1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UseOnce(CounterFamily family, string label) => family.Series(label).Add(5);
}
