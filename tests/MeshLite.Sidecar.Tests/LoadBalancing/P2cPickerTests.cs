using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class P2cPickerTests
{
    private readonly ManualTimeProvider _time = new();

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    public void Pick_EquallyFast_SharesEvenly(int count)
    {
        var endpoints = Endpoints(count);
        var simulation = Simulate(endpoints);

        simulation.Run(20_000, TimeSpan.FromMilliseconds(2));

        foreach (var endpoint in endpoints)
        {
            ((double)endpoint.Picked / 20_000 * count).ShouldBe(1, 0.15);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(10)]
    public void Pick_OneTenTimesSlower_GetsLittle(int count)
    {
        var endpoints = Endpoints(count);
        endpoints[0].Milliseconds = 100;
        var simulation = Simulate(endpoints);

        simulation.Run(20_000, TimeSpan.FromMilliseconds(2));

        // Its even share would be 1/count.
        ((double)endpoints[0].Picked / 20_000 * count).ShouldBeInRange(0.0001, 0.1);
    }

    [Fact]
    public void Pick_SlowOneGrowsFastAgain_GetsItsShareBack()
    {
        var endpoints = Endpoints(3);
        endpoints[0].Milliseconds = 100;
        var simulation = Simulate(endpoints);
        simulation.Run(10_000, TimeSpan.FromMilliseconds(2));
        endpoints[0].Milliseconds = 10;

        // ln(10) × 10 s until its estimate is as good as the others', under traffic.
        simulation.Run(15_000, TimeSpan.FromMilliseconds(2));
        Array.ForEach(endpoints, e => e.Picked = 0);
        simulation.Run(10_000, TimeSpan.FromMilliseconds(2));

        ((double)endpoints[0].Picked / 10_000).ShouldBe(0.333, 0.05);
    }

    [Fact]
    public void Pick_AfterAMinuteIdle_HasForgottenWhoWasSlow()
    {
        var endpoints = Endpoints(2);
        endpoints[0].Milliseconds = 100;
        var simulation = Simulate(endpoints);
        simulation.Run(5_000, TimeSpan.FromMilliseconds(2));
        endpoints[0].Milliseconds = 10;
        simulation.Idle(TimeSpan.FromMinutes(1));
        Array.ForEach(endpoints, e => e.Picked = 0);

        simulation.Run(1_000, TimeSpan.FromMilliseconds(2));

        ((double)endpoints[0].Picked / 1_000).ShouldBe(0.5, 0.1);
    }

    [Fact]
    public void Pick_OneThatNeverAnswers_FillsUpNoFurtherThanTheOthers()
    {
        var endpoints = Endpoints(3);
        endpoints[0].Milliseconds = 1e9;
        var simulation = Simulate(endpoints);

        simulation.Run(20_000, TimeSpan.FromMilliseconds(2));

        // It looks ever faster as its estimate decays, but what is in flight counts against it.
        endpoints[0].Picked.ShouldBeLessThan(300);
    }

    [Theory]
    [InlineData(2, 20)]
    [InlineData(2, 1)]
    [InlineData(5, 20)]
    [InlineData(5, 1)]
    public void Pick_WeightThreeToOne_GetsThreeTimesAsMuch(int count, int millisecondsBetween)
    {
        // Endpoint 0 weighs 3; one request at a time (every 20 ms), or ten at once (every 1 ms).
        var endpoints = Enumerable.Range(0, count).Select(i => new TestEndpoint(_time, i == 0 ? 3 : 1)).ToArray();
        var simulation = Simulate(endpoints);

        simulation.Run(20_000, TimeSpan.FromMilliseconds(millisecondsBetween));

        var due = 3.0 / (count + 2);
        ((double)endpoints[0].Picked / 20_000 / due).ShouldBe(1, 0.15);
    }

    [Fact]
    public void Pick_HeavyOneTenTimesSlower_GetsLittleWhateverItsWeight()
    {
        var endpoints = Enumerable.Range(0, 3).Select(i => new TestEndpoint(_time, i == 0 ? 3 : 1)).ToArray();
        endpoints[0].Milliseconds = 100;
        var simulation = Simulate(endpoints);

        simulation.Run(20_000, TimeSpan.FromMilliseconds(2));

        ((double)endpoints[0].Picked / 20_000).ShouldBeLessThan(0.1);
    }

    [Fact]
    public void Pick_AllEqual_TakesEachPairAsOften()
    {
        // With equal cost the first drawn wins: uniform means that both draws are.
        var endpoints = Endpoints(4);
        var picker = new P2cPicker<TestEndpoint>(endpoints, new Random(5), _time);
        endpoints[3].Load.Begin();

        for (var i = 0; i < 40_000; i++)
        {
            picker.Pick(default)!.Picked++;
        }

        // The loaded one loses every comparison; the others win against it, and half of the rest.
        endpoints[3].Picked.ShouldBe(0);
        foreach (var endpoint in endpoints[..3])
        {
            (endpoint.Picked / 40_000.0).ShouldBe(1 / 3.0, 0.01);
        }
    }

    [Fact]
    public void Pick_OneSlowerOfTwo_IsPickedOnceItsEstimateHasDecayedAndNoSooner() =>
        Prop.ForAll(Gen.Choose(20, 500).ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (tenths, seed) =>
        {
            // A request each 20 ms, which never overlap. After one of R ms the estimate takes decay · ln(R/r) to fall to the other's r.
            var ratio = tenths / 10.0;
            var endpoints = Endpoints(2);
            endpoints[0].Milliseconds = ratio;
            endpoints[1].Milliseconds = 1;
            var picker = new P2cPicker<TestEndpoint>(endpoints, new Random(seed), _time);

            // Both begin at 30 ms; a minute tells them apart.
            Send(3_000);
            endpoints[0].Picked = 0;
            Send(15_000);

            var due = 300 / (PeakEwma.Decay.TotalSeconds * Math.Log(ratio));
            ((double)endpoints[0].Picked).ShouldBe(due, 1 + (0.02 * due));

            void Send(int requests)
            {
                for (var i = 0; i < requests; i++)
                {
                    var endpoint = picker.Pick(default)!;
                    endpoint.Picked++;
                    endpoint.Load.Begin();
                    endpoint.Load.End(TimeSpan.FromMilliseconds(endpoint.Milliseconds));
                    _time.Advance(TimeSpan.FromMilliseconds(20));
                }
            }
        }).QuickCheckThrowOnFailure();

    private TestEndpoint[] Endpoints(int count) => [.. Enumerable.Range(0, count).Select(_ => new TestEndpoint(_time))];

    private Simulation Simulate(TestEndpoint[] endpoints)
    {
        var random = new Random(17);
        return new Simulation(_time, new P2cPicker<TestEndpoint>(endpoints, random, _time), random);
    }
}
