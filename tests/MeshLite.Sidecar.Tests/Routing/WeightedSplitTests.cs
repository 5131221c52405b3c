using System.Collections.Immutable;
using System.Numerics;
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

    [Fact]
    public void Next_WithItsPoint_IsTheBackendOfThatPoint() =>
        Prop.ForAll(Weights.ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (weights, seed) =>
        {
            var split = Create(seed, weights);
            for (var n = 0; n < 50; n++)
            {
                var chosen = split.Next(out var point);
                split.At(point).ShouldBe(chosen);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void At_WeightsChange_EachPointIsWhereExactArithmeticPutsIt() =>
        Prop.ForAll(Weights.ToArbitrary(), Weights.ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (before, after, seed) =>
        {
            if (before.All(w => w == 0) || after.All(w => w == 0))
            {
                return;
            }

            var (splitBefore, splitAfter) = (Create(1, before), Create(1, after));
            var random = new Random(seed);
            for (var n = 0; n < 200; n++)
            {
                var point = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                splitBefore.At(point).ShouldBe(OwnerOf(point, before));
                splitAfter.At(point).ShouldBe(OwnerOf(point, after));
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(new[] { 95, 5 }, new[] { 90, 10 }, 0.05)]
    [InlineData(new[] { 95, 5 }, new[] { 950, 50 }, 0)]
    [InlineData(new[] { 1, 1 }, new[] { 0, 1 }, 0.5)]
    [InlineData(new[] { 50, 50 }, new[] { 50, 50, 0 }, 0)]
    public void At_ShareGrows_JustThatManyCallersMove(int[] before, int[] after, double share)
    {
        var (splitBefore, splitAfter) = (Create(1, before), Create(1, after));
        var random = new Random(2);
        var points = Enumerable.Range(0, 100_000).Select(_ => (ulong)random.NextInt64(long.MinValue, long.MaxValue));

        ((double)points.Count(point => splitBefore.At(point) != splitAfter.At(point)) / 100_000).ShouldBe(share, 0.005);
    }

    [Fact]
    public void At_EndsOfTheRange_AreTheFirstAndTheLastBackend()
    {
        var split = Create(1, 0, 3, 7, 0);

        split.At(0).ShouldBe(1);
        split.At(ulong.MaxValue).ShouldBe(2);
    }

    /// <summary>The backend i with sum(w₀…wᵢ₋₁)/total ≤ point/2^64 &lt; sum(w₀…wᵢ)/total, in exact arithmetic.</summary>
    private static int OwnerOf(ulong point, int[] weights)
    {
        var total = weights.Aggregate(BigInteger.Zero, (sum, weight) => sum + weight);
        var end = BigInteger.Zero;
        for (var i = 0; ; i++)
        {
            end += weights[i];
            if (point * total < end << 64)
            {
                return i;
            }
        }
    }

    private static WeightedSplit Create(int seed, params int[] weights) =>
        new([.. weights.Select((weight, i) => new WeightedBackendConfig(i, weight))], new Random(seed));
}
