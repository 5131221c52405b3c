using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class SlowStartTests
{
    private static readonly TimeSpan Duration = TimeSpan.FromHours(10);

    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Share_AnyAge_IsThePartOfTheDurationButNeverUnderTenPercent() =>
        Prop.ForAll(Gen.Choose(1, 100_000).ToArbitrary(), Gen.Choose(0, 200_000).ToArbitrary(), (duration, age) =>
        {
            var slowStart = new SlowStart(TimeSpan.FromMilliseconds(duration), _time);
            var joined = _time.GetTimestamp();
            _time.Advance(TimeSpan.FromMilliseconds(age));

            slowStart.Share(joined, _time.GetTimestamp()).ShouldBe(Math.Min(Math.Max(0.1, (double)age / duration), 1), 1e-9);
            slowStart.Share(SlowStart.AlwaysThere, _time.GetTimestamp()).ShouldBe(1);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0.0, 2)]
    [InlineData(0.0, 5)]
    [InlineData(0.3, 2)]
    [InlineData(0.3, 5)]
    [InlineData(0.8, 5)]
    [InlineData(1.0, 3)]
    [InlineData(7.0, 3)]
    public void Pick_OneIsNew_GetsThatFractionOfItsShareAndTheOthersTheRestEvenly(double age, int count)
    {
        ForEach(age, count, 1, (picker, endpoints) =>
        {
            var picks = 60_000;
            for (var i = 0; i < picks; i++)
            {
                picker.Pick(default)!.Picked++;
            }

            var share = Math.Clamp(age, 0.1, 1);
            ((double)endpoints[0].Picked / picks).ShouldBe(share / (count - 1 + share), 0.01, picker.GetType().Name);
            foreach (var endpoint in endpoints.Skip(1))
            {
                ((double)endpoint.Picked / picks).ShouldBe(1 / (count - 1 + share), 0.01, picker.GetType().Name);
            }
        });
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.5)]
    public void Pick_OneIsNewAndWeighsMore_GetsThatFractionOfItsWeight(double age)
    {
        ForEach(age, 4, 3, (picker, endpoints) =>
        {
            var picks = 60_000;
            for (var i = 0; i < picks; i++)
            {
                picker.Pick(default)!.Picked++;
            }

            ((double)endpoints[0].Picked / picks).ShouldBe(3 * age / (3 + (3 * age)), 0.015, picker.GetType().Name);
        });
    }

    [Theory]
    [InlineData(0.1)]
    [InlineData(0.3)]
    [InlineData(0.6)]
    public void Pick_OneIsNewUnderLoad_IsNotGivenMoreForHavingLessInFlight(double age)
    {
        // 20 requests in flight at once.
        ForEach(age, 4, 1, (picker, endpoints) =>
        {
            new Simulation(_time, picker, new Random(3)).Run(30_000, TimeSpan.FromMilliseconds(0.5));

            var due = age / (3 + age);
            (endpoints[0].Picked / 30_000.0 / due).ShouldBe(1, 0.3, picker.GetType().Name);
        });
    }

    [Fact]
    public void Pick_NewOneIsTheFastest_IsStillHeldBack()
    {
        var endpoints = Endpoints(0.1, 4, 1);
        endpoints[0].Milliseconds = 1;

        new Simulation(_time, PeakEwma(endpoints), new Random(3)).Run(30_000, TimeSpan.FromMilliseconds(2));

        // Without slow start it would win each comparison it is drawn for, half of the requests; a tenth of that, to nine tenths.
        (endpoints[0].Picked / 30_000.0).ShouldBeInRange(0.05, 0.12);
    }

    [Fact]
    public void Pick_AllAreNew_ShareEvenly()
    {
        foreach (var create in new Func<TestEndpoint[], EndpointPicker<TestEndpoint>>[] { PeakEwma, RoundRobin, LeastRequest, Any })
        {
            var endpoints = Enumerable.Range(0, 4).Select(_ => new TestEndpoint(_time) { JoinedAt = _time.GetTimestamp() }).ToArray();
            var picker = create(endpoints);
            for (var i = 0; i < 40_000; i++)
            {
                picker.Pick(default)!.Picked++;
            }

            endpoints.ShouldAllBe(e => Math.Abs(e.Picked - 10_000) < 500);
        }
    }

    [Fact]
    public void Pick_TimePasses_TheShareGrowsWithIt()
    {
        ForEach(0, 2, 1, (picker, endpoints) =>
        {
            for (var tenth = 1; tenth <= 12; tenth++)
            {
                _time.Advance(Duration / 10);
                endpoints[0].Picked = 0;
                for (var i = 0; i < 20_000; i++)
                {
                    var endpoint = picker.Pick(default)!;
                    endpoint.Picked++;
                }

                var share = Math.Min(tenth / 10.0, 1);
                (endpoints[0].Picked / 20_000.0).ShouldBe(share / (1 + share), 0.02, picker.GetType().Name);
            }
        });
    }

    [Fact]
    public void Pick_OnlyTheNewOneIsLeft_GetsTheRequest()
    {
        ForEach(0, 2, 1, (picker, endpoints) =>
        {
            var tried = default(ExcludedEndpoints);
            tried.Add(endpoints[1]);
            picker.Pick(in tried).ShouldBe(endpoints[0]);
        });
    }

    [Fact]
    public void Pick_WhileOneIsNew_AllocatesNothing()
    {
        ForEach(0.1, 5, 2, (picker, _) =>
        {
            Allocations.Of(() => picker.Pick(default)).ShouldBe(0);
        });
    }

    /// <summary>
    /// Each picker with endpoints of its own. Of <paramref name="count"/> the first is new, by a part of the duration; the others
    /// have always been there.
    /// </summary>
    private void ForEach(double age, int count, int weight, Action<EndpointPicker<TestEndpoint>, TestEndpoint[]> test)
    {
        Func<TestEndpoint[], EndpointPicker<TestEndpoint>>[] all = [PeakEwma, RoundRobin, LeastRequest, Any];
        foreach (var create in all)
        {
            var endpoints = Endpoints(age, count, weight);
            test(create(endpoints), endpoints);
        }
    }

    private TestEndpoint[] Endpoints(double age, int count, int weight) =>
        [.. Enumerable.Range(0, count).Select(i => new TestEndpoint(_time, i == 0 ? weight : 1)
        {
            JoinedAt = i == 0 ? _time.GetTimestamp() - (age * Duration).Ticks : SlowStart.AlwaysThere,
        })];

    private P2cPicker<TestEndpoint> PeakEwma(TestEndpoint[] endpoints) => new(endpoints, new Random(1), _time, new SlowStart(Duration, _time));

    private RoundRobinPicker<TestEndpoint> RoundRobin(TestEndpoint[] endpoints) => new(endpoints, new Random(2), new SlowStart(Duration, _time));

    private LeastRequestPicker<TestEndpoint> LeastRequest(TestEndpoint[] endpoints) => new(endpoints, new Random(3), _time, new SlowStart(Duration, _time));

    private RandomPicker<TestEndpoint> Any(TestEndpoint[] endpoints) => new(endpoints, new Random(4), new SlowStart(Duration, _time));
}
