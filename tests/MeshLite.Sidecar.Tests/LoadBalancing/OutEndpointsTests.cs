using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

/// <summary>What all pickers promise while endpoints are out.</summary>
public sealed class OutEndpointsTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Pick_AnyOutAnyTried_PicksAllOfTheBestThatAreLeftAndNoOther() =>
        Prop.ForAll(Gen.Choose(1, 7).ToArbitrary(), Gen.Choose(0, 127).Two().ToArbitrary(), Gen.Choose(1, 4).ToArbitrary(), (count, masks, maxWeight) =>
        {
            var (endpoints, tried) = Endpoints(count, masks.Item1, masks.Item2, maxWeight);
            TestEndpoint[][] inOrder =
            [
                [.. endpoints.Where(e => !e.IsOut && !tried.Contains(e))],
                [.. endpoints.Where(e => !e.IsOut)],
                [.. endpoints.Where(e => !tried.Contains(e))],
                endpoints,
            ];
            var best = inOrder.First(group => group.Length > 0);

            foreach (var (picker, hasKeys) in Pickers(endpoints, masks.Item1))
            {
                var picked = new HashSet<TestEndpoint>();
                for (var i = 0; i < 500; i++)
                {
                    var (endpoint, isProbe) = picker.Pick(in tried, hasKeys ? StableHash.Of($"key-{i}") : null, anyOut: true);
                    isProbe.ShouldBeFalse();
                    picked.Add(endpoint.ShouldNotBeNull());
                    endpoint.Load.Begin();
                }

                picked.ShouldBe(best, ignoreOrder: true);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_OutOnesLetProbesThrough_EachGetsAsManyAsItLetsAndTriedOnesNone() =>
        Prop.ForAll(Gen.Choose(1, 7).ToArbitrary(), Gen.Choose(0, 127).Two().ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (count, masks, seed) =>
        {
            for (var i = 0; i < Pickers([], 1).Length; i++)
            {
                var random = new Random(seed);
                var (endpoints, tried) = Endpoints(count, masks.Item1, masks.Item2, 3);
                Array.ForEach(endpoints, e => e.Probes = random.Next(3));
                var let = endpoints.ToDictionary(e => e, e => e.IsOut && !tried.Contains(e) ? e.Probes : 0);
                var (picker, hasKeys) = Pickers(endpoints, seed)[i];

                var probed = new List<TestEndpoint>();
                for (var n = 0; n < 500; n++)
                {
                    var (endpoint, isProbe) = picker.Pick(in tried, hasKeys ? StableHash.Of($"key-{n}") : null, anyOut: true);
                    if (isProbe)
                    {
                        probed.Add(endpoint.ShouldNotBeNull());
                    }

                    // Without keys nothing is more urgent than a probe.
                    (!hasKeys && n < let.Values.Sum() && !isProbe).ShouldBeFalse();
                }

                probed.CountBy(e => e).ShouldBe(let.Where(pair => pair.Value > 0), ignoreOrder: true);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_NobodyIsOut_NobodyIsAsked()
    {
        var (endpoints, tried) = Endpoints(5, 0, 1, 1);
        foreach (var (picker, _) in Pickers(endpoints, 1))
        {
            picker.Pick(default);
            picker.Pick(in tried);
        }

        endpoints.Sum(e => e.Asked).ShouldBe(0);
    }

    [Fact]
    public void Pick_NoEndpointsAtAll_IsNone()
    {
        foreach (var (picker, _) in Pickers([], 1))
        {
            picker.Pick(default, 1, anyOut: true).ShouldBe(default);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(200)]
    public async Task Pick_WhileTheyComeAndGo_AlwaysFindsOne(int count)
    {
        var (endpoints, _) = Endpoints(count, 0, 0, 3);
        foreach (var (picker, hasKeys) in Pickers(endpoints, 1))
        {
            await InParallel.RunAsync(thread =>
            {
                var random = new Random(thread);
                for (var i = 0; i < 6_000_000 / count / 20; i++)
                {
                    if (thread == 0)
                    {
                        endpoints[random.Next(count)].IsOut = random.Next(2) == 0;
                    }
                    else
                    {
                        var tried = default(ExcludedEndpoints);
                        tried.Add(endpoints[random.Next(count)]);
                        picker.Pick(in tried, hasKeys ? StableHash.Mix((ulong)i) : null, anyOut: true).Endpoint.ShouldNotBeNull();
                    }
                }
            });
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(200)]
    public void Pick_SomeOut_AllocatesNothing(int count)
    {
        var (endpoints, tried) = Endpoints(count, 1, 2, 2);
        foreach (var (picker, _) in Pickers(endpoints, 1))
        {
            Allocations.Of(() => picker.Pick(in tried, 7, anyOut: true)).ShouldBe(0);
        }
    }

    [Fact]
    public void Pick_RoundRobinWithOneOut_TheOthersShareItsTurnsEvenly()
    {
        var (endpoints, _) = Endpoints(4, 0b10, 0, 1);
        var picker = new RoundRobinPicker<TestEndpoint>(endpoints, new Random(1));

        for (var i = 0; i < 3_000; i++)
        {
            picker.Pick(default, null, anyOut: true).Endpoint!.Picked++;
        }

        endpoints.Select(e => e.Picked).ShouldBe([1000, 0, 1000, 1000]);
    }

    private (TestEndpoint[] Endpoints, ExcludedEndpoints Tried) Endpoints(int count, int outMask, int triedMask, int maxWeight)
    {
        var endpoints = Enumerable.Range(0, count)
            .Select(i => new TestEndpoint(_time, 1 + (i % maxWeight)) { HashId = StableHash.Of($"endpoint-{i}"), IsOut = i < 31 && (outMask & (1 << i)) != 0 })
            .ToArray();
        var tried = default(ExcludedEndpoints);
        for (var i = 0; i < Math.Min(count, 31); i++)
        {
            if ((triedMask & (1 << i)) != 0)
            {
                tried.Add(endpoints[i]);
            }
        }

        return (endpoints, tried);
    }

    private (EndpointPicker<TestEndpoint> Picker, bool HasKeys)[] Pickers(TestEndpoint[] endpoints, int seed) =>
    [
        (new P2cPicker<TestEndpoint>(endpoints, new Random(seed), _time), false),
        (new RoundRobinPicker<TestEndpoint>(endpoints, new Random(seed)), false),
        (new LeastRequestPicker<TestEndpoint>(endpoints, new Random(seed), _time), false),
        (new RandomPicker<TestEndpoint>(endpoints, new Random(seed)), false),
        (new RingHashPicker<TestEndpoint>(endpoints, new Random(seed)), false),
        (new RingHashPicker<TestEndpoint>(endpoints, new Random(seed)), true),
    ];
}
