using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

/// <summary>What all pickers promise.</summary>
public sealed class EndpointPickerTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Pick_NoEndpoints_IsNull()
    {
        foreach (var picker in Pickers([], 1))
        {
            picker.Pick(default).ShouldBeNull();
        }
    }

    [Fact]
    public void Pick_OneEndpoint_IsThatOneEvenExcluded()
    {
        var only = new TestEndpoint(_time);
        var excluded = default(ExcludedEndpoints);
        excluded.Add(only);

        foreach (var picker in Pickers([only], 1))
        {
            picker.Pick(in excluded).ShouldBeSameAs(only);
        }
    }

    [Fact]
    public void Pick_SomeExcluded_NeverPicksThemAndPicksAllOthers() =>
        Prop.ForAll(Gen.Choose(2, 7).ToArbitrary(), Gen.Choose(0, 126).ToArbitrary(), Gen.Choose(1, 4).ToArbitrary(), (count, mask, maxWeight) =>
        {
            var random = new Random((count * 1000) + mask);
            var endpoints = Enumerable.Range(0, count).Select(_ => new TestEndpoint(_time, 1 + random.Next(maxWeight))).ToArray();
            var excluded = default(ExcludedEndpoints);
            var allowed = new HashSet<TestEndpoint>(endpoints);
            for (var i = 0; i < count; i++)
            {
                if ((mask & (1 << i)) != 0)
                {
                    excluded.Add(endpoints[i]);
                    allowed.Remove(endpoints[i]);
                }
            }

            // Something from an earlier set of endpoints.
            excluded.Add(new object());
            foreach (var picker in Pickers(endpoints, mask))
            {
                var picked = new HashSet<TestEndpoint>();
                for (var i = 0; i < 400; i++)
                {
                    var endpoint = picker.Pick(in excluded)!;
                    picked.Add(endpoint);
                    // In flight for a while, so that the cheapest is not always the same.
                    endpoint.Load.Begin();
                }

                picked.ShouldBe(allowed.Count > 0 ? allowed : endpoints, ignoreOrder: true);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_Always_AllocatesNothing()
    {
        var endpoints = Enumerable.Range(0, 5).Select(i => new TestEndpoint(_time, 1 + (i % 2))).ToArray();
        var excluded = default(ExcludedEndpoints);
        excluded.Add(endpoints[0]);
        foreach (var picker in Pickers(endpoints, 1))
        {
            Allocations.Of(() =>
            {
                picker.Pick(default);
                picker.Pick(in excluded)!.Load.Begin();
            }).ShouldBe(0);
        }
    }

    [Fact]
    public void Create_WeightBelowOne_Throws()
    {
        Should.Throw<ArgumentOutOfRangeException>(() => new RoundRobinPicker<TestEndpoint>([new TestEndpoint(_time, 0)], new Random(1)));
    }

    private EndpointPicker<TestEndpoint>[] Pickers(TestEndpoint[] endpoints, int seed) =>
    [
        new P2cPicker<TestEndpoint>(endpoints, new Random(seed), _time),
        new RoundRobinPicker<TestEndpoint>(endpoints, new Random(seed)),
        new LeastRequestPicker<TestEndpoint>(endpoints, new Random(seed), _time),
        new RandomPicker<TestEndpoint>(endpoints, new Random(seed)),
        new RingHashPicker<TestEndpoint>(endpoints, new Random(seed)),
    ];
}
