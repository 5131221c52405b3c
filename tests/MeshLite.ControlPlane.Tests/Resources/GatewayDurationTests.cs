using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Resources;

public sealed class GatewayDurationTests
{
    [Theory]
    [InlineData("0s", 0)]
    [InlineData("250ms", 250)]
    [InlineData("2s", 2_000)]
    [InlineData("1m30s", 90_000)]
    [InlineData("30s1m", 90_000)]
    [InlineData("1h1m1s1ms", 3_661_001)]
    [InlineData("99999h", 99_999L * 3_600_000)]
    public void TryParse_GatewayForm_IsRead(string text, long milliseconds)
    {
        GatewayDuration.TryParse(text, out var duration).ShouldBeTrue();
        duration.TotalMilliseconds.ShouldBe(milliseconds);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1")]
    [InlineData("s")]
    [InlineData("1.5s")]
    [InlineData("-1s")]
    [InlineData("1 s")]
    [InlineData("1d")]
    [InlineData("1us")]
    [InlineData("100000s")]
    [InlineData("1h1m1s1ms1s")]
    [InlineData("1S")]
    [InlineData("1s\n")]
    [InlineData("١s")]
    public void TryParse_AnythingElse_IsRefused(string text) => GatewayDuration.TryParse(text, out _).ShouldBeFalse();

    [Fact]
    public void Format_WhateverItWrites_ReadsBackEqual() =>
        Prop.ForAll(
            Gen.Choose(0, int.MaxValue).ToArbitrary(),
            milliseconds =>
            {
                var duration = TimeSpan.FromMilliseconds(milliseconds);
                return GatewayDuration.TryParse(GatewayDuration.Format(duration), out var back) && back == duration;
            }).QuickCheckThrowOnFailure();
}
