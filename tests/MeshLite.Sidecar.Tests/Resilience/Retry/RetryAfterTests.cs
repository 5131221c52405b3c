using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Resilience.Retry;

namespace MeshLite.Sidecar.Tests.Resilience.Retry;

public sealed class RetryAfterTests
{
    private static readonly DateTimeOffset Now = new(1994, 11, 6, 8, 49, 30, TimeSpan.Zero);

    [Theory]
    [InlineData("0", 0)]
    [InlineData("120", 120)]
    [InlineData(" 7\t", 7)]
    [InlineData("007", 7)]
    [InlineData("86400", 86_400)]
    [InlineData("86401", 86_400)]
    [InlineData("99999999999999999999999999", 86_400)]
    // RFC 9110 §5.6.7: the preferred form, RFC 850's, asctime's.
    [InlineData("Sun, 06 Nov 1994 08:49:37 GMT", 7)]
    [InlineData("Sunday, 06-Nov-94 08:49:37 GMT", 7)]
    [InlineData("Sun Nov  6 08:49:37 1994", 7)]
    [InlineData("Wed Nov 16 08:49:37 1994", 86_400)]
    [InlineData("Sun, 06 Nov 1994 08:49:29 GMT", 0)]
    [InlineData("Fri, 31 Dec 9999 23:59:59 GMT", 86_400)]
    [InlineData("Mon, 01 Jan 0001 00:00:00 GMT", 0)]
    // More than 50 years ahead is the past: 1945. At most 50: 2044.
    [InlineData("Tuesday, 06-Nov-45 08:49:37 GMT", 0)]
    [InlineData("Sunday, 06-Nov-44 08:49:37 GMT", 86_400)]
    public void TryParse_EitherForm_IsTheWait(string value, int seconds)
    {
        RetryAfter.TryParse(value, Now, out var wait).ShouldBeTrue();
        wait.ShouldBe(TimeSpan.FromSeconds(seconds));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("  ")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData("1.5")]
    [InlineData("1 2")]
    [InlineData("soon")]
    [InlineData("١")]
    [InlineData("1994-11-06T08:49:37Z")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 CET")]
    [InlineData("Sun, 06 Nov 1994 08:49:37 +0100")]
    [InlineData("Sun, 31 Feb 1994 08:49:37 GMT")]
    [InlineData("Sun, 06 Nov 1994 25:49:37 GMT")]
    [InlineData(", 06 Nov 1994 08:49:37 GMT")]
    [InlineData("Sun,")]
    [InlineData("120, 120")]
    public void TryParse_OtherText_IsRefused(string? value)
    {
        RetryAfter.TryParse(value, Now, out var wait).ShouldBeFalse();
        wait.ShouldBe(TimeSpan.Zero);
    }

    [Fact]
    public void TryParse_AnyTimeAndDate_IsTheDifferenceWithinItsBounds() => Prop.ForAll(
        (from now in Gen.Choose(0, int.MaxValue) from date in Gen.OneOf(Gen.Choose(-200_000, 200_000), Gen.Choose(-2_000_000_000, 2_000_000_000)) select (now, date)).ToArbitrary(),
        drawn =>
        {
            var now = DateTimeOffset.FromUnixTimeSeconds(drawn.now);
            RetryAfter.TryParse(now.AddSeconds(drawn.date).ToString("R"), now, out var wait).ShouldBeTrue();

            wait.ShouldBe(TimeSpan.FromSeconds(Math.Clamp(drawn.date, 0, 86_400)));
        }).QuickCheckThrowOnFailure();
}
