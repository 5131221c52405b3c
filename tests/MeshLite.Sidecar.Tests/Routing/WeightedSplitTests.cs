using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Routing;

namespace MeshLite.Sidecar.Tests.Routing;

public sealed class WeightedSplitTests
{
    private static readonly Gen<int[]> Weights = Gen.OneOf(Gen.Choose(0, 3), Gen.Choose(0, 100), Gen.Choose(0, 1_000_000)).ListOf().Select(list => list.Take(8).ToArray());

    [Fact]
    public void Next_NinetyFiveToFive_IsExactOverTenThousandAndOverShortWindows()
    {
        for (var seed = 0; seed < 50; seed++)
        {
            var split = Create(seed, 95, 5);
            var picks = Enumerable.Range(0, 10_000).Select(_ => split.Next()).ToArray();

            // 5 % of 10,000; ±0.7 points would be ±70.
            picks.Count(p => p == 1).ShouldBeInRange(495, 505);
            foreach (var window in picks.Chunk(100))
            {
                window.Count(p => p == 1).ShouldBeInRange(3, 7);
            }
        }
    }

    [Fact]
    public void Next_AnyWeights_KeepsToTheSharesFromTheFirstRequestOn() =>
        Prop.ForAll(Weights.ToArbitrary(), Gen.Choose(0, int.MaxValue).ToArbitrary(), (weights, seed) =>
        {
            var split = Create(seed, weights);
            var total = weights.Sum(w => (long)w);
            split.IsEmpty.ShouldBe(total == 0);
            if (total == 0)
            {
                split.Next().ShouldBe(-1);
                return;
            }

            var counts = new int[weights.Length];
            for (var n = 1; n <= 2000; n++)
            {
                counts[split.Next()]++;
                for (var i = 0; i < weights.Length; i++)
                {
                    var due = (double)n * weights[i] / total;
                    // The discrepancy of multiples of the golden ratio grows with log n.
                    Math.Abs(counts[i] - due).ShouldBeLessThan(1.5 + (0.5 * Math.Log(n)));
                    (weights[i] == 0 && counts[i] > 0).ShouldBeFalse();
                }
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(new int[0])]
    [InlineData(new[] { 0 })]
    [InlineData(new[] { 0, 0 })]
    public void Next_NoBackendHasAWeight_IsNone(int[] weights)
    {
        var split = Create(1, weights);

        split.IsEmpty.ShouldBeTrue();
        split.Next().ShouldBe(-1);
    }

    [Fact]
    public void Next_CallersThatAlternate_SendNoKindToOneBackendOnly()
    {
        // Round robin 1:1 would send all even requests to one backend.
        var split = Create(7, 50, 50);
        var picks = Enumerable.Range(0, 10_000).Select(_ => split.Next()).ToArray();

        for (var period = 2; period <= 7; period++)
        {
            var everyNth = picks.Where((_, i) => i % period == 0).ToArray();
            ((double)everyNth.Count(p => p == 1) / everyNth.Length).ShouldBe(0.5, 0.02);
        }
    }

    [Fact]
    public async Task Next_FromManyThreads_IsAsExact()
    {
        var split = Create(3, 95, 5);

        var counts = new int[4];
        await InParallel.RunAsync(thread => counts[thread] = Enumerable.Range(0, 250_000).Count(_ => split.Next() == 1));

        counts.Sum().ShouldBeInRange(49_985, 50_015);
    }

    [Fact]
    public void Next_TwoSidecars_AreNotInStep()
    {
        var patterns = Enumerable.Range(0, 20).Select(seed =>
        {
            var split = Create(seed, 50, 50);
            return string.Concat(Enumerable.Range(0, 16).Select(_ => split.Next()));
        });

        patterns.Distinct().Count().ShouldBeGreaterThan(5);
    }

    [Fact]
    public void Next_BackendIndices_AreThoseOfTheConfiguration()
    {
        var split = new WeightedSplit([new(7, 0), new(5, 1), new(5, 1), new(9, 0)], new Random(1));

        Enumerable.Range(0, 100).Select(_ => split.Next()).Distinct().ShouldBe([5]);
    }

    private static WeightedSplit Create(int seed, params int[] weights) =>
        new([.. weights.Select((weight, i) => new WeightedBackendConfig(i, weight))], new Random(seed));
}
