using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Telemetry;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Telemetry;

public sealed class TraceContextTests
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
    public void TryGetTraceId_TraceParent_ToTheLetter(string value, bool expected)
    {
        var headers = new HeaderDictionary { ["TraceParent"] = value };

        TraceContext.TryGetTraceId(headers, out var id).ShouldBe(expected);

        id.IsEmpty.ShouldBe(!expected);
        id.ToString().ShouldBe(expected ? Trace : "");
        headers["traceparent"].ToArray().ShouldBe([value]);
    }

    [Fact]
    public void TryGetTraceId_SeveralTraceParents_IsNone() =>
        TraceContext.TryGetTraceId(new HeaderDictionary { ["traceparent"] = new[] { Valid, Valid } }, out _).ShouldBeFalse();

    [Theory]
    [InlineData($"{Trace}-{Span}", Trace)]
    [InlineData($"{Trace}-{Span}-1", Trace)]
    [InlineData($"{Trace}-{Span}-0", Trace)]
    [InlineData($"{Trace}-{Span}-d", Trace)]
    [InlineData($"{Trace}-{Span}-1-05e3ac9a4f6e3b90", Trace)]
    [InlineData($"a3ce929d0e0e4736-{Span}-1", "0000000000000000a3ce929d0e0e4736")]
    [InlineData("0", "")]
    [InlineData("1", "")]
    [InlineData("d", "")]
    [InlineData("", "")]
    [InlineData($"{Trace}-{Span}-", "")]
    [InlineData($"{Trace}-{Span}-2", "")]
    [InlineData($"{Trace}-{Span}-1-", "")]
    [InlineData($"{Trace}-{Span}-1-05e3ac9a4f6e3b9", "")]
    [InlineData($"{Trace}-{Span}-1-05e3ac9a4f6e3b90-", "")]
    [InlineData($"{Trace}-0000000000000000-1", "")]
    [InlineData($"00000000000000000000000000000000-{Span}-1", "")]
    [InlineData($"{Trace}-{Span}1", "")]
    [InlineData($"4bf92f3577b34da6a3ce929d0e0e47-{Span}-1", "")]
    [InlineData("4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-1", "")]
    public void TryGetTraceId_B3Single_IsRead(string value, string expected)
    {
        TraceContext.TryGetTraceId(new HeaderDictionary { ["b3"] = value }, out var id).ShouldBe(expected.Length > 0);

        id.ToString().ShouldBe(expected);
    }

    [Theory]
    [InlineData(Trace, Span, Trace)]
    [InlineData("a3ce929d0e0e4736", Span, "0000000000000000a3ce929d0e0e4736")]
    [InlineData(Trace, null, "")]
    [InlineData(null, Span, "")]
    [InlineData(Trace, "xyz", "")]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e47361", Span, "")]
    public void TryGetTraceId_B3Multi_NeedsTraceAndSpan(string? trace, string? span, string expected)
    {
        var headers = new HeaderDictionary { ["X-B3-TraceId"] = trace, ["X-B3-SpanId"] = span, ["X-B3-Sampled"] = "1" };

        TraceContext.TryGetTraceId(headers, out var id).ShouldBe(expected.Length > 0);

        id.ToString().ShouldBe(expected);
    }

    [Fact]
    public void TryGetTraceId_Both_W3cGoesFirstEvenInvalid()
    {
        var b3 = $"a3ce929d0e0e4736-{Span}";

        TraceContext.TryGetTraceId(new HeaderDictionary { ["traceparent"] = Valid, ["b3"] = b3 }, out var id).ShouldBeTrue();
        id.ToString().ShouldBe(Trace);
        TraceContext.TryGetTraceId(new HeaderDictionary { ["traceparent"] = "nonsense", ["b3"] = b3 }, out _).ShouldBeFalse();
        TraceContext.TryGetTraceId(new HeaderDictionary(), out _).ShouldBeFalse();
    }

    [Fact]
    public void TryParseTraceParent_AnyIds_ReadBack() =>
        Prop.ForAll<ulong, ulong, ulong>((high, low, span) =>
        {
            var valid = (high | low) != 0 && span != 0;

            TraceContext.TryParseTraceParent($"00-{high:x16}{low:x16}-{span:x16}-01", out var id).ShouldBe(valid);
            id.ShouldBe(valid ? new TraceId(high, low) : default);
            Span<char> text = stackalloc char[TraceId.Length];
            new TraceId(high, low).TryFormat(text).ShouldBeTrue();
            text.ToString().ShouldBe($"{high:x16}{low:x16}");
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryParse_OneCharacterChanged_IsAnotherIdOrNone() =>
        Prop.ForAll(Gen.Choose(0, Valid.Length - 1).ToArbitrary(), Gen.OneOf(Gen.Choose(0, 300), Gen.Elements<int>('/', '0', '9', ':', '@', 'A', 'F', '`', 'a', 'f', 'g', '-')).ToArbitrary(), (position, character) =>
        {
            var changed = Valid[..position] + (char)character + Valid[(position + 1)..];
            var isHex = "0123456789abcdef".Contains((char)character);
            var isDash = position is 2 or 35 or 52;

            var expected = isDash ? character == '-' : isHex;
            TraceContext.TryParseTraceParent(changed, out _).ShouldBe(expected);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryParse_AnyText_DoesNotThrow() =>
        Prop.ForAll(Gen.Elements("-", "0", "a", "d", "00", Trace, Span, "ff", "", " ", "é").ListOf().Select(string.Concat).ToArbitrary(), text =>
        {
            TraceContext.TryParseTraceParent(text, out var w3c).ShouldBe(!w3c.IsEmpty);
            TraceContext.TryParseB3(text, out var b3).ShouldBe(!b3.IsEmpty);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryGetTraceId_Always_AllocatesNothing()
    {
        var headers = new HeaderDictionary { ["traceparent"] = Valid };

        Allocations.Of(() => TraceContext.TryGetTraceId(headers, out _)).ShouldBe(0);
    }
}
