using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class RoundRobinPickerTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void Pick_EqualWeights_EachInTurn() =>
        Prop.ForAll(Gen.Choose(2, 20).ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (count, seed) =>
        {
            var endpoints = Enumerable.Range(0, count).Select(_ => new TestEndpoint(_time, 5)).ToArray();
            var picker = new RoundRobinPicker<TestEndpoint>(endpoints, new Random(seed));
            for (var i = 0; i < 5 * count; i++)
            {
                picker.Pick(default)!.Picked++;
                (endpoints.Max(e => e.Picked) - endpoints.Min(e => e.Picked)).ShouldBeLessThanOrEqualTo(1);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_AnyWeights_KeepsToTheSharesWithinOne() =>
        Prop.ForAll(Gen.Choose(1, 20).ListOf().Where(w => w.Count >= 2).ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (weights, seed) =>
        {
            var endpoints = weights.Take(10).Select(w => new TestEndpoint(_time, w)).ToArray();
            var total = endpoints.Sum(e => e.Weight);
            var picker = new RoundRobinPicker<TestEndpoint>(endpoints, new Random(seed));

            // The sum of the weights is one full cycle: there the shares are exact.
            for (var i = 0; i < 3 * total; i++)
            {
                picker.Pick(default)!.Picked++;
            }

            foreach (var endpoint in endpoints)
            {
                endpoint.Picked.ShouldBeInRange((3 * endpoint.Weight) - 1, (3 * endpoint.Weight) + 1);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pick_HeavyOne_IsSpreadOverTheCycle()
    {
        // 5:1:1 in turns of a, a, a, a, a, b, c would be exact, and a burst each time.
        var endpoints = new[] { 5, 1, 1 }.Select(w => new TestEndpoint(_time, w)).ToArray();
        var picker = new RoundRobinPicker<TestEndpoint>(endpoints, new Random(1));

        var picks = Enumerable.Range(0, 70).Select(_ => picker.Pick(default)!.Weight).ToArray();

        foreach (var window in picks.Chunk(7))
        {
            window.Count(w => w == 5).ShouldBeInRange(4, 6);
        }
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void Pick_RetriesOfABadOne_TakeNobodysTurnAndAreSpread(int count)
    {
        var endpoints = Enumerable.Range(0, count).Select(_ => new TestEndpoint(_time)).ToArray();
        var picker = new RoundRobinPicker<TestEndpoint>(endpoints, new Random(1));
        var requests = 3000 * count;
        for (var i = 0; i < requests; i++)
        {
            var first = picker.Pick(default)!;
            first.Picked++;
            if (first == endpoints[0])
            {
                var tried = default(ExcludedEndpoints);
                tried.Add(first);
                picker.Pick(in tried)!.Picked++;
            }
        }

        // An exact share of the requests each, and an even share of the bad one's.
        endpoints[0].Picked.ShouldBe(3000);
        foreach (var endpoint in endpoints.Skip(1))
        {
            (endpoint.Picked - 3000.0).ShouldBe(3000.0 / (count - 1), 120);
        }
    }

    [Fact]
    public void Pick_TwoSidecars_DoNotAllStartAtTheFirst()
    {
        var endpoints = Enumerable.Range(0, 10).Select(_ => new TestEndpoint(_time)).ToArray();

        var starts = Enumerable.Range(0, 50).Select(seed => new RoundRobinPicker<TestEndpoint>(endpoints, new Random(seed)).Pick(default)).Distinct().Count();

        starts.ShouldBeGreaterThan(5);
    }

    [Fact]
    public async Task Pick_FromManyThreads_SharesEvenly()
    {
        var endpoints = Enumerable.Range(0, 3).Select(_ => new TestEndpoint(_time)).ToArray();
        var picker = new RoundRobinPicker<TestEndpoint>(endpoints, new Random(1));

        var picked = new int[4, 3];
        await InParallel.RunAsync(thread =>
        {
            for (var i = 0; i < 300_000; i++)
            {
                picked[thread, Array.IndexOf(endpoints, picker.Pick(default))]++;
            }
        });

        for (var i = 0; i < 3; i++)
        {
            (picked[0, i] + picked[1, i] + picked[2, i] + picked[3, i]).ShouldBe(400_000);
        }
    }
}
