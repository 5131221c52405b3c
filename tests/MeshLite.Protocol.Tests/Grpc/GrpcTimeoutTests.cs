using FsCheck;
using FsCheck.Fluent;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Protocol.Tests.Grpc;

public sealed class GrpcTimeoutTests
{
    /// <summary>Eight digits carry it to 1 part in 100,000 (the step from u to m), never shortened, up to 99999999 hours.</summary>
    [Fact]
    public void Format_OfAnyDuration_ParsesBackNeverShorter() => Prop.ForAll(
        Gen.Choose(0, 62).Zip(Gen.Choose(0, int.MaxValue - 1)).Select(x => (long)((x.Item2 / (double)int.MaxValue) * Math.Pow(2, x.Item1))).ToArbitrary(),
        ticks =>
        {
            var timeout = TimeSpan.FromTicks(Math.Min(ticks, 99_999_999 * TimeSpan.TicksPerHour));
            var text = GrpcTimeout.Format(timeout);
            return text.Length <= 9 && GrpcTimeout.TryParse(text, out var parsed)
                && parsed >= timeout && (parsed - timeout).Ticks <= 10 + (timeout.Ticks / 100_000);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("2M", 1_200_000_000)]
    [InlineData("3S", 30_000_000)]
    [InlineData("250m", 2_500_000)]
    [InlineData("7u", 70)]
    [InlineData("150n", 2)]
    [InlineData("0n", 0)]
    [InlineData("99999999H", 3_599_999_964_000_000_000)]
    public void TryParse_EachUnit_Reads(string text, long ticks)
    {
        GrpcTimeout.TryParse(text, out var timeout).ShouldBeTrue();
        timeout.Ticks.ShouldBe(ticks);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1")]
    [InlineData("100000000S")]
    [InlineData("-1S")]
    [InlineData("+1S")]
    [InlineData(" 1S")]
    [InlineData("1 S")]
    [InlineData("1s")]
    [InlineData("1.5S")]
    [InlineData("١S")]
    public void TryParse_OtherText_IsRefused(string? text) => GrpcTimeout.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void Format_Negative_IsZero() => GrpcTimeout.Format(TimeSpan.FromSeconds(-1)).ShouldBe("0n");
}
