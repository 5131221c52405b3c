using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

/// <summary>The rules of https://opentelemetry.io/docs/specs/otel/trace/sdk/#traceidratiobased.</summary>
public sealed class RatioSamplerTests
{
    [Fact]
    public void IsSampled_AnyId_IsTheFormula() =>
        Prop.ForAll(Gen.Choose(0, 1000).ToArbitrary(), Ids(), (permille, low) =>
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
        Prop.ForAll(Gen.Choose(0, 100).ToArbitrary(), Gen.Choose(0, 100).ToArbitrary(), Ids(), (a, b, low) =>
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
        const int Traces = 200_000;
        var share = percent / 100;

        var sampled = Enumerable.Range(0, Traces).Count(_ => sampler.IsSampled(new TraceId(0, (ulong)random.NextInt64(long.MinValue, long.MaxValue))));

        // Binomial: within five standard deviations.
        ((double)sampled).ShouldBe(Traces * share, 5 * Math.Sqrt(Traces * share * (1 - share)));
    }

    /// <summary>Over the whole range; FsCheck's own numbers are small ones.</summary>
    private static Arbitrary<ulong> Ids() =>
        (from high in Gen.Choose(int.MinValue, int.MaxValue) from low in Gen.Choose(int.MinValue, int.MaxValue) select ((ulong)(uint)high << 32) | (uint)low).ToArbitrary();
}
