using System.Globalization;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

public sealed class HexTests
{
    [Fact]
    public void TryParse_EachCharacterThereIs_IsADigitOfLowerCaseOrNone()
    {
        for (var c = 0; c <= char.MaxValue; c++)
        {
            var expected = "0123456789abcdef".IndexOf((char)c, StringComparison.Ordinal);

            Hex.TryParse([(char)c], out var value).ShouldBe(expected >= 0, $"U+{c:x4}");

            value.ShouldBe((ulong)Math.Max(0, expected), $"U+{c:x4}");
        }
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(0x0123456789abcdefUL)]
    [InlineData(ulong.MaxValue)]
    public void TryParse_WhatWasFormatted_IsTheSame(ulong value)
    {
        Span<char> text = stackalloc char[16];
        Hex.Format(value, text);

        Hex.TryParse(text, out var parsed).ShouldBeTrue();

        parsed.ShouldBe(value);
        text.ToString().ShouldBe(value.ToString("x16", CultureInfo.InvariantCulture));
    }
}
