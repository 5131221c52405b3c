using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class PeakEwmaTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Estimate_NoResponseYet_StartsAt30MillisecondsAndDecays()
    {
        var ewma = new PeakEwma(_time);
        Estimate(ewma).ShouldBe(30, 0.001);

        _time.Advance(TimeSpan.FromSeconds(10));

        Estimate(ewma).ShouldBe(30 / Math.E, 0.001);
    }

    [Fact]
    public void End_SlowerThanTheEstimate_ReplacesItAtOnce()
    {
        var ewma = new PeakEwma(_time);
        var begun = ewma.Begin();
        _time.Advance(TimeSpan.FromMilliseconds(300));

        ewma.End(begun);

        Estimate(ewma).ShouldBe(300, 0.001);
    }

    [Fact]
    public void End_FasterThanTheEstimate_FollowsTheClosedForm()
    {
        var ewma = new PeakEwma(_time);
        _time.Advance(TimeSpan.FromSeconds(3));
        ewma.Begin();

        ewma.End(TimeSpan.FromMilliseconds(5));

        var weight = Math.Exp(-0.3);
        Estimate(ewma).ShouldBe((30 * weight) + (5 * (1 - weight)), 0.001);
    }

    [Fact]
    public void End_AnySeriesOfResponses_FollowsTheFormulaStepByStep() =>
        Prop.ForAll(
            Gen.Choose(0, 100_000).Two().ListOf().ToArbitrary(),
            steps =>
            {
                var time = new ManualTimeProvider();
                var ewma = new PeakEwma(time);
                var expected = 30.0;
                foreach (var (wait, rtt) in steps)
                {
                    time.Advance(TimeSpan.FromMilliseconds(wait));
                    ewma.Begin();
                    // Tenths of milliseconds: from 0 to 10 s.
                    ewma.End(TimeSpan.FromMilliseconds(rtt / 10.0));
                    var weight = Math.Exp(-wait / 10_000.0);
                    expected = rtt / 10.0 > expected ? rtt / 10.0 : (expected * weight) + (rtt / 10.0 * (1 - weight));
                    // The estimate is kept as a float.
                    EstimateOf(ewma, time).ShouldBe(expected, 0.0001 + (expected * 1e-5));
                }
            }).QuickCheckThrowOnFailure();

    [Fact]
    public void End_ThousandsWithinASecond_ConvergesAsOneWould()
    {
        // 20 per millisecond: the time that passes must not get lost between updates.
        var ewma = new PeakEwma(_time);
        for (var i = 0; i < 200_000; i++)
        {
            _time.Advance(TimeSpan.FromTicks(500));
            ewma.Begin();
            ewma.End(TimeSpan.FromMilliseconds(1));
        }

        Estimate(ewma).ShouldBe(1 + (29 / Math.E), 0.05);
    }

    [Fact]
    public void Cost_RequestsInFlight_MultiplyIt()
    {
        var ewma = new PeakEwma(_time);
        ewma.Cost(_time.GetTimestamp(), 1).ShouldBe(30, 0.001);
        ewma.Begin();
        ewma.Begin();
        ewma.Begin();

        ewma.InFlight.ShouldBe(3);
        ewma.Cost(_time.GetTimestamp(), 1).ShouldBe(120, 0.001);
        ewma.Cost(_time.GetTimestamp(), 3).ShouldBe(60, 0.001);

        ewma.Abandon();
        ewma.End(TimeSpan.Zero);
        ewma.InFlight.ShouldBe(1);
    }

    [Fact]
    public void Cost_AfterADayIdle_StillCountsWhatIsInFlight()
    {
        var ewma = new PeakEwma(_time);
        _time.Advance(TimeSpan.FromDays(1));
        var idle = ewma.Cost(_time.GetTimestamp(), 1);

        ewma.Begin();

        idle.ShouldBeGreaterThan(0);
        ewma.Cost(_time.GetTimestamp(), 1).ShouldBe(2 * idle, idle / 1000);
    }

    [Fact]
    public void End_AfterTheClockWrapped_DoesNotComeToHarm()
    {
        var ewma = new PeakEwma(_time);
        for (var week = 0; week < 10; week++)
        {
            _time.Advance(TimeSpan.FromDays(7));
            ewma.Begin();
            // Faster each time: only elapsed time can bring the estimate down.
            ewma.End(TimeSpan.FromMilliseconds(25 - week));
            Estimate(ewma).ShouldBe(25 - week, 0.1);
        }
    }

    [Fact]
    public async Task BeginEnd_FromManyThreads_LosesNoRequestAndNoPeak()
    {
        var ewma = new PeakEwma(_time);

        await InParallel.RunAsync(thread =>
        {
            for (var i = 0; i < 200_000; i++)
            {
                ewma.Begin();
                ewma.End(TimeSpan.FromMilliseconds(i == 100_000 ? 1000 + thread : 10));
            }
        });

        ewma.InFlight.ShouldBe(0);
        Estimate(ewma).ShouldBe(1003, 0.01);
    }

    private static double EstimateOf(PeakEwma ewma, TimeProvider time) => ewma.Estimate(time.GetTimestamp()).TotalMilliseconds;

    private double Estimate(PeakEwma ewma) => EstimateOf(ewma, _time);
}
