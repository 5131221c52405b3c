using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

/// <summary>The rules of https://opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased.</summary>
public sealed class RatioSamplerTests
{
    [Fact]
    public void IsSampled_AnyId_IsTheFormula() =>
        Prop.ForAll(Gen.Choose(0, 1000).ToArbitrary(), ArbMap.Default.ArbFor<ulong>(), (permille, low) =>
        {
            var id = new TraceId(1, low);

            // low / 2^64 < ratio, with the id's last bit left out; doubles can't tell ids apart that are nearer than this.
            var position = (low >> 1) / 9223372036854775808.0;
            if (Math.Abs(position - (permille / 1000.0)) > 1e-12)
            {
                new RatioSampler(permille / 10.0).IsSampled(id).ShouldBe(position < permille / 1000.0);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void IsSampled_HigherRatio_SamplesWhatTheLowerDoes() =>
        Prop.ForAll(Gen.Choose(0, 100).ToArbitrary(), Gen.Choose(0, 100).ToArbitrary(), ArbMap.Default.ArbFor<ulong>(), (a, b, low) =>
        {
            var id = new TraceId(0, low);
            if (new RatioSampler(Math.Min(a, b)).IsSampled(id))
            {
                new RatioSampler(Math.Max(a, b)).IsSampled(id).ShouldBeTrue();
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(0, false, false)]
    [InlineData(100, true, true)]
    [InlineData(50, true, false)]
    public void IsSampled_Ends_AreAllOrNothing(double percent, bool lowest, bool highest)
    {
        new RatioSampler(percent).IsSampled(new TraceId(0, 1)).ShouldBe(lowest);
        new RatioSampler(percent).IsSampled(new TraceId(0, ulong.MaxValue)).ShouldBe(highest);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0.1)]
    [InlineData(25)]
    public void IsSampled_RandomIds_IsTheShare(double percent)
    {
        var random = new Random(3);
        var sampler = new RatioSampler(percent);
        const int Ids = 200_000;
        var share = percent / 100;

        var sampled = Enumerable.Range(0, Ids).Count(_ => sampler.IsSampled(new TraceId(0, (ulong)random.NextInt64(long.MinValue, long.MaxValue))));

        // Binomial: within five standard deviations.
        ((double)sampled).ShouldBe(Ids * share, 5 * Math.Sqrt(Ids * share * (1 - share)));
    }
}
