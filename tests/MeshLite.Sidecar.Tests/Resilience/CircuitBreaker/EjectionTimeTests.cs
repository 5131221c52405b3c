using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;

namespace MeshLite.Sidecar.Tests.Resilience.CircuitBreaker;

public sealed class EjectionTimeTests
{
    private static readonly EndpointCircuitConfig Default = new();

    [Fact]
    public void Of_AnyEjection_IsNTimesTheFirstAndAtMostAFifthMoreWithinTheLongest() => Prop.ForAll(
        (from open in Gen.Choose(1, 60_000) from factor in Gen.Choose(1, 100) from n in Gen.Choose(1, 200) from luck in Gen.Choose(0, 1000)
         select (open, max: open * factor, n, luck)).ToArbitrary(),
        drawn =>
        {
            var config = new EndpointCircuitConfig { OpenFor = TimeSpan.FromMilliseconds(drawn.open), MaxOpenFor = TimeSpan.FromMilliseconds(drawn.max) };
            var time = EjectionTime.Of(config, drawn.n, new Luck(drawn.luck / 1000.0)).TotalMilliseconds;

            var least = Math.Min((double)drawn.open * drawn.n, drawn.max / 1.2);
            time.ShouldBe(least * (1 + (0.2 * drawn.luck / 1000)), 0.001);
            time.ShouldBeLessThanOrEqualTo(drawn.max);
        }).QuickCheckThrowOnFailure();

    /// <summary>Uniform, by Kolmogorov-Smirnov (its 1 in 1,000 bound; the seed is fixed): the first, one between, and at the longest.</summary>
    [Theory]
    [InlineData(1, 5)]
    [InlineData(7, 35)]
    [InlineData(60, 250)]
    [InlineData(1000, 250)]
    public void Of_ManyDraws_AreSpreadUniformly(int n, int leastSeconds)
    {
        var random = new Random(47);

        var draws = Enumerable.Range(0, 10_000).Select(_ => ((EjectionTime.Of(Default, n, random).TotalSeconds / leastSeconds) - 1) / 0.2);

        Uniformity.Statistic(draws).ShouldBeLessThan(1.95);
    }

    [Fact]
    public void Next_FailedProbesInARow_CountUpToTheLongestTime()
    {
        var n = 0;
        var seen = new List<int>();
        for (var i = 0; i < 100; i++)
        {
            n = EjectionTime.Next(Default, n, TimeSpan.Zero);
            seen.Add(n);
        }

        // 60 × 5 s are 300 s.
        seen.ShouldBe(Enumerable.Range(1, 60).Concat(Enumerable.Repeat(60, 40)));
    }

    [Theory]
    [InlineData(3, 0, 4)]
    [InlineData(3, 9.99, 4)]
    [InlineData(3, 10, 3)]
    [InlineData(3, 29.99, 2)]
    [InlineData(3, 30, 1)]
    [InlineData(3, 1e6, 1)]
    [InlineData(60, 1e6, 1)]
    [InlineData(0, 1e6, 1)]
    public void Next_BackForAWhile_IsForgivenOneForEachWindow(int last, double backForSeconds, int next) =>
        EjectionTime.Next(Default, last, TimeSpan.FromSeconds(backForSeconds)).ShouldBe(next);

    /// <summary>What Envoy's sweep every interval does (outlier_detection_impl.cc, checkHostForUneject and ejectHost), step by step.</summary>
    [Fact]
    public void Next_AnyHistory_IsWhatSweepsWouldMakeOfIt() => Prop.ForAll(
        (from open in Gen.Choose(1, 20) from max in Gen.Choose(1, 100) from waits in Gen.Choose(0, 60).ListOf() select (open, max, waits)).ToArbitrary(),
        drawn =>
        {
            var config = new EndpointCircuitConfig { OpenFor = TimeSpan.FromSeconds(drawn.open), MaxOpenFor = TimeSpan.FromSeconds(Math.Max(drawn.open, drawn.max)) };
            var n = 0;
            var backoff = 0;
            foreach (var backFor in drawn.waits)
            {
                for (var sweep = 10; sweep <= backFor; sweep += 10)
                {
                    backoff = Math.Max(0, backoff - 1);
                }

                if (drawn.open * (backoff + 1) < Math.Max(drawn.open, drawn.max) + drawn.open)
                {
                    backoff++;
                }

                n = EjectionTime.Next(config, n, TimeSpan.FromSeconds(backFor));
                n.ShouldBe(backoff);
            }
        }).QuickCheckThrowOnFailure();
}
