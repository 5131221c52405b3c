using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

/// <summary>W3C Trace Context level 1, https://www.w3.org/TR/trace-context-1/.</summary>
public sealed class TraceParentTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";
    private const string Valid = $"00-{Trace}-{Span}-01";

    [Theory]
    [InlineData(Valid, true)]
    [InlineData($"00-{Trace}-{Span}-00", true)]
    [InlineData($"00-{Trace}-{Span}-ff", true)]
    // A later version is read as far as it is known (§4.3).
    [InlineData($"01-{Trace}-{Span}-01", true)]
    [InlineData($"cc-{Trace}-{Span}-01-what-the-future-brings", true)]
    [InlineData($"cc-{Trace}-{Span}-01-", true)]
    [InlineData($"cc-{Trace}-{Span}-01.what", false)]
    [InlineData($"cc-{Trace}-{Span}-012", false)]
    [InlineData($"00-{Trace}-{Span}-01-more", false)]
    [InlineData($"00-{Trace}-{Span}-01-", false)]
    [InlineData($"ff-{Trace}-{Span}-01", false)]
    [InlineData($"0-{Trace}-{Span}-01", false)]
    [InlineData($"000-{Trace}-{Span}-01", false)]
    [InlineData($"0x-{Trace}-{Span}-01", false)]
    [InlineData($"00-00000000000000000000000000000000-{Span}-01", false)]
    [InlineData($"00-{Trace}-0000000000000000-01", false)]
    [InlineData("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00F067AA0BA902B7-01", false)]
    [InlineData($"00-{Trace}-{Span}-0A", false)]
    [InlineData($"00-{Trace}-{Span}-1", false)]
    [InlineData($"00-{Trace}-{Span}", false)]
    [InlineData($"00_{Trace}-{Span}-01", false)]
    [InlineData($"00-{Trace}_{Span}-01", false)]
    [InlineData($"00-{Trace}-{Span}_01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01", false)]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e473g-00f067aa0ba902b7-01", false)]
    [InlineData("", false)]
    [InlineData(" " + Valid, false)]
    public void TryParse_Values_ToTheLetter(string value, bool expected)
    {
        TraceParent.TryParse(value, out var context).ShouldBe(expected);

        context.TraceId.ToString().ShouldBe(expected ? Trace : "");
        context.SpanId.IsEmpty.ShouldBe(!expected);
    }

    [Theory]
    [InlineData("00", "00")]
    [InlineData("01", "01")]
    // Level 1 defines one flag: the others are read over, and sent on as zero (§3.2.2.5.2).
    [InlineData("02", "00")]
    [InlineData("fe", "00")]
    [InlineData("ff", "01")]
    [InlineData("03", "01")]
    public void Format_Flags_OnlySampledPassesOn(string flags, string expected)
    {
        TraceParent.TryParse($"00-{Trace}-{Span}-{flags}", out var context).ShouldBeTrue();

        TraceParent.Format(context.TraceId, context.SpanId, context.Sampling == SamplingState.Accepted).ShouldBe($"00-{Trace}-{Span}-{expected}");
    }

    [Fact]
    public void TryParse_AnyIds_ReadBack() =>
        Prop.ForAll<ulong, ulong, ulong>((high, low, span) =>
        {
            var valid = (high | low) != 0 && span != 0;
            var text = $"00-{high:x16}{low:x16}-{span:x16}-01";

            TraceParent.TryParse(text, out var context).ShouldBe(valid);
            context.TraceId.ShouldBe(valid ? new TraceId(high, low) : default);
            context.SpanId.ShouldBe(valid ? new SpanId(span) : default);
            TraceParent.Format(new TraceId(high, low), new SpanId(span), sampled: true).ShouldBe(text);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryParse_OneCharacterChanged_IsAnotherIdOrNone() =>
        Prop.ForAll(Gen.Choose(0, Valid.Length - 1).ToArbitrary(), Gen.OneOf(Gen.Choose(0, 300), Gen.Elements<int>('/', '0', '9', ':', '@', 'A', 'F', '`', 'a', 'f', 'g', '-')).ToArbitrary(), (position, character) =>
        {
            var changed = Valid[..position] + (char)character + Valid[(position + 1)..];
            var isHex = "0123456789abcdef".Contains((char)character);
            var isDash = position is 2 or 35 or 52;

            var expected = isDash ? character == '-' : isHex;
            TraceParent.TryParse(changed, out _).ShouldBe(expected);
        }).QuickCheckThrowOnFailure();
}
