using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class LeastRequestPickerTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Pick_OneHasMoreInFlight_LosesEveryComparisonHoweverFastItIs()
    {
        var endpoints = Endpoints(1, 1, 1, 1);
        Array.ForEach(endpoints[..3], e => Took(e, 500));
        endpoints[3].Load.Begin();
        var picker = Create(endpoints);

        for (var i = 0; i < 30_000; i++)
        {
            picker.Pick(default)!.Picked++;
        }

        endpoints[3].Picked.ShouldBe(0);
        endpoints[..3].ShouldAllBe(e => Math.Abs(e.Picked - 10_000) < 400);
    }

    [Fact]
    public void Pick_TwoEndpoints_KeepsInFlightWithinOne()
    {
        // Of two both are always compared: exactly the least loaded is picked.
        var endpoints = Endpoints(1, 1);
        var picker = Create(endpoints);

        for (var i = 0; i < 1_000; i++)
        {
            picker.Pick(default)!.Load.Begin();
            Math.Abs(endpoints[0].Load.InFlight - endpoints[1].Load.InFlight).ShouldBeLessThanOrEqualTo(1);
        }
    }

    [Theory]
    [InlineData(2, 20)]
    [InlineData(2, 1)]
    [InlineData(5, 20)]
    [InlineData(5, 1)]
    public void Pick_WeightThreeToOne_GetsThreeTimesAsMuch(int count, int millisecondsBetween)
    {
        // One request at a time (every 20 ms), or ten at once (every 1 ms).
        var endpoints = Endpoints([3, .. Enumerable.Repeat(1, count - 1)]);

        new Simulation(_time, Create(endpoints), new Random(17)).Run(20_000, TimeSpan.FromMilliseconds(millisecondsBetween));

        var due = 3.0 / (count + 2);
        ((double)endpoints[0].Picked / 20_000 / due).ShouldBe(1, 0.15);
    }

    [Fact]
    public void Pick_OneTenTimesSlower_GetsAboutATenthUnderLoad()
    {
        // Those in flight even out: with equal numbers in flight throughput is inverse to latency (Little's law).
        var endpoints = Endpoints(1, 1);
        endpoints[0].Milliseconds = 100;

        new Simulation(_time, Create(endpoints), new Random(17)).Run(20_000, TimeSpan.FromMilliseconds(1));

        (endpoints[0].Picked / 20_000.0).ShouldBe(1 / 11.0, 0.02);
    }

    private static void Took(TestEndpoint endpoint, int milliseconds)
    {
        endpoint.Load.Begin();
        endpoint.Load.End(TimeSpan.FromMilliseconds(milliseconds));
    }

    private LeastRequestPicker<TestEndpoint> Create(TestEndpoint[] endpoints) => new(endpoints, new Random(5), _time);

    private TestEndpoint[] Endpoints(params int[] weights) => [.. weights.Select(weight => new TestEndpoint(_time, weight))];
}
