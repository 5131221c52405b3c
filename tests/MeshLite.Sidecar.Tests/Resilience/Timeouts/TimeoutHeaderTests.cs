using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Resilience.Timeouts;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Timeouts;

public sealed class TimeoutHeaderTests
{
    /// <summary>Of every magnitude up to the largest that there is.</summary>
    private static readonly Gen<long> AnyTicks =
        from bits in Gen.Choose(0, 62) from low in Gen.Choose(0, int.MaxValue) select ((1L << bits) - 1) ^ (low % (1L << bits));

    [Theory]
    [InlineData("1H", 36_000_000_000)]
    [InlineData("2M", 1_200_000_000)]
    [InlineData("3S", 30_000_000)]
    [InlineData("250m", 2_500_000)]
    [InlineData("7u", 70)]
    [InlineData("0n", 0)]
    [InlineData("5n", 0)]
    [InlineData("99n", 0)]
    [InlineData("100n", 1)]
    [InlineData("150n", 1)]
    [InlineData("99999999n", 999_999)]
    [InlineData("99999999H", 3_599_999_964_000_000_000)]
    public void TryParse_EachUnit_ReadsRoundedDown(string text, long ticks)
    {
        TimeoutHeader.TryParse(text, out var timeout).ShouldBeTrue();
        timeout.Ticks.ShouldBe(ticks);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("n")]
    [InlineData("15")]
    [InlineData("123456789m")]
    [InlineData("-1S")]
    [InlineData(" 1S")]
    [InlineData("1s")]
    [InlineData("1.5S")]
    [InlineData("1S, 2S")]
    public void TryParse_Malformed_IsRefused(string? text) => TimeoutHeader.TryParse(text, out _).ShouldBeFalse();

    [Theory]
    [InlineData(-1, "0n")]
    [InlineData(0, "0n")]
    [InlineData(1, "100n")]
    [InlineData(999_999, "99999900n")]
    [InlineData(1_000_000, "100000u")]
    [InlineData(1_000_009, "100000u")]
    [InlineData(999_999_999, "99999999u")]
    [InlineData(1_000_000_000, "100000m")]
    [InlineData(999_999_999_999, "99999999m")]
    [InlineData(1_000_000_000_000, "100000S")]
    [InlineData(999_999_999_999_999, "99999999S")]
    [InlineData(1_000_000_000_000_000, "1666666M")]
    [InlineData(long.MaxValue, "99999999H")]
    public void Format_EachMagnitude_FinestUnitThatFits(long ticks, string text) => TimeoutHeader.Format(TimeSpan.FromTicks(ticks)).ShouldBe(text);

    /// <summary>PROTOCOL-HTTP2.md: at most eight digits and a unit. Never longer, and short by at most 1 part in 100,000 (the step from u to m).</summary>
    [Fact]
    public void Format_OfAnyDuration_ParsesBackNeverLonger() => Prop.ForAll(AnyTicks.ToArbitrary(), ticks =>
    {
        var text = TimeoutHeader.Format(TimeSpan.FromTicks(ticks));
        text.Length.ShouldBeInRange(2, 9);
        TimeoutHeader.TryParse(text, out var parsed).ShouldBeTrue();

        parsed.Ticks.ShouldBeLessThanOrEqualTo(ticks);
        (Math.Min(ticks, 99_999_999 * TimeSpan.TicksPerHour) - parsed.Ticks).ShouldBeLessThanOrEqualTo(ticks / 100_000);
    }).QuickCheckThrowOnFailure();

    /// <summary>
    /// Through any number of hops, each with a rule of its own and work that takes time: what a hop passes on plus what has
    /// passed since the first one began never exceeds what the first was given, nor any rule on the way.
    /// </summary>
    [Fact]
    public void Format_OverManyHops_OnlyEverShortens() => Prop.ForAll(
        AnyTicks.Zip(AnyTicks.Zip(Gen.Choose(0, 50_000_000)).ListOf()).ToArbitrary(),
        drawn =>
        {
            var time = new ManualTimeProvider();
            var began = time.GetTimestamp();
            var allowed = new Int128(0, (ulong)drawn.Item1);
            var header = TimeoutHeader.Format(TimeSpan.FromTicks(drawn.Item1));
            foreach (var (rule, work) in drawn.Item2)
            {
                TimeoutHeader.TryParse(header, out var given).ShouldBeTrue();
                allowed = Int128.Min(allowed, (Int128)rule + (time.GetTimestamp() - began));
                var deadline = Deadline.Earlier(
                    Deadline.FromNow(time, TimeSpan.FromTicks(rule), DeadlineSource.Rule), Deadline.FromNow(time, given, DeadlineSource.Caller));
                time.Advance(TimeSpan.FromTicks(work));

                var left = deadline.Remaining(time.GetTimestamp());
                header = TimeoutHeader.Format(left);
                TimeoutHeader.TryParse(header, out var passedOn).ShouldBeTrue();
                if (passedOn > TimeSpan.Zero)
                {
                    ((Int128)passedOn.Ticks + (time.GetTimestamp() - began) <= allowed).ShouldBeTrue(header.ToString(CultureInfo.InvariantCulture));
                }
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Format_OnTheRequestPath_AllocatesTheStringOnly() =>
        Allocations.Of(() => TimeoutHeader.Format(TimeSpan.FromSeconds(15))).ShouldBeLessThanOrEqualTo(48);
}
