using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Telemetry.Tracing;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

/// <summary>https://github.com/openzipkin/b3-propagation.</summary>
public sealed class B3Tests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";

    [Theory]
    [InlineData($"{Trace}-{Span}", Trace, "Deferred")]
    [InlineData($"{Trace}-{Span}-1", Trace, "Accepted")]
    [InlineData($"{Trace}-{Span}-0", Trace, "Denied")]
    [InlineData($"{Trace}-{Span}-d", Trace, "Debug")]
    [InlineData($"{Trace}-{Span}-1-05e3ac9a4f6e3b90", Trace, "Accepted")]
    [InlineData($"a3ce929d0e0e4736-{Span}-1", "0000000000000000a3ce929d0e0e4736", "Accepted")]
    // A decision without a trace.
    [InlineData("0", "", "Denied")]
    [InlineData("1", "", "Accepted")]
    [InlineData("d", "", "Debug")]
    [InlineData("", "", null)]
    [InlineData("2", "", null)]
    [InlineData("11", "", null)]
    [InlineData($"{Trace}-{Span}-", "", null)]
    [InlineData($"{Trace}-{Span}-2", "", null)]
    [InlineData($"{Trace}-{Span}-1-", "", null)]
    [InlineData($"{Trace}-{Span}-1-05e3ac9a4f6e3b9", "", null)]
    [InlineData($"{Trace}-{Span}-1-05e3ac9a4f6e3b90-", "", null)]
    [InlineData($"{Trace}-0000000000000000-1", "", null)]
    [InlineData($"00000000000000000000000000000000-{Span}-1", "", null)]
    [InlineData($"{Trace}-{Span}1", "", null)]
    [InlineData($"4bf92f3577b34da6a3ce929d0e0e47-{Span}-1", "", null)]
    [InlineData("4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-1", "", null)]
    public void TryParseSingle_Values_AreRead(string value, string trace, string? sampling)
    {
        B3.TryParseSingle(value, out var context).ShouldBe(sampling is not null);

        if (sampling is not null)
        {
            context.TraceId.ToString().ShouldBe(trace);
            context.SpanId.IsEmpty.ShouldBe(trace.Length == 0);
            context.Sampling.ToString().ShouldBe(sampling);
            context.Format.ShouldBe(TraceFormat.B3Single);
        }
    }

    [Theory]
    [InlineData(Trace, Span, "1", null, Trace, "Accepted")]
    [InlineData(Trace, Span, "0", null, Trace, "Denied")]
    [InlineData(Trace, Span, "true", null, Trace, "Accepted")]
    [InlineData(Trace, Span, "false", null, Trace, "Denied")]
    [InlineData(Trace, Span, null, null, Trace, "Deferred")]
    [InlineData(Trace, Span, null, "1", Trace, "Debug")]
    [InlineData(Trace, Span, "0", "1", Trace, "Debug")]
    [InlineData(Trace, Span, "1", "0", Trace, "Accepted")]
    [InlineData("a3ce929d0e0e4736", Span, "1", null, "0000000000000000a3ce929d0e0e4736", "Accepted")]
    [InlineData(null, null, "0", null, "", "Denied")]
    [InlineData(null, null, null, "1", "", "Debug")]
    [InlineData(null, null, null, null, "", null)]
    [InlineData(Trace, null, "1", null, "", null)]
    [InlineData(null, Span, "1", null, "", null)]
    [InlineData(Trace, "xyz", "1", null, "", null)]
    [InlineData("4bf92f3577b34da6a3ce929d0e0e47361", Span, "1", null, "", null)]
    public void TryParseMulti_Values_NeedTraceAndSpanOrADecision(string? trace, string? span, string? sampled, string? flags, string expected, string? sampling)
    {
        B3.TryParseMulti(trace, span, sampled, flags, out var context).ShouldBe(sampling is not null);

        if (sampling is not null)
        {
            context.TraceId.ToString().ShouldBe(expected);
            context.Sampling.ToString().ShouldBe(sampling);
            context.Format.ShouldBe(TraceFormat.B3Multi);
        }
    }

    [Fact]
    public void FormatSingle_AnySpan_ReadsBack() =>
        Prop.ForAll(Spans(), span =>
        {
            B3.TryParseSingle(B3.FormatSingle(in span), out var context).ShouldBeTrue();

            context.ShouldBe(new TraceContext
            {
                TraceId = span.TraceId,
                SpanId = span.Id,
                Sampling = span.Sampling,
                Format = TraceFormat.B3Single,
                HasShortId = span.HasShortId,
            });
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void TryParse_AnyText_DoesNotThrow() =>
        Prop.ForAll(Gen.Elements("-", "0", "1", "d", "a", "00", Trace, Span, "ff", "", " ", "é").ListOf().Select(string.Concat).ToArbitrary(), text =>
        {
            if (!TraceParent.TryParse(text, out var w3c))
            {
                w3c.ShouldBe(default);
            }

            if (B3.TryParseSingle(text, out var b3))
            {
                (b3.TraceId.IsEmpty && b3.Sampling == SamplingState.Deferred).ShouldBeFalse();
                b3.TraceId.IsEmpty.ShouldBe(b3.SpanId.IsEmpty);
            }

            _ = B3.TryParseMulti(text, Span, text, text, out _);
        }).QuickCheckThrowOnFailure();

    private static Arbitrary<RequestSpan> Spans()
    {
        var ids = from high in Gen.Choose(int.MinValue, int.MaxValue) from low in Gen.Choose(1, int.MaxValue) select ((ulong)(uint)high << 32) | (uint)low;
        return (from high in ids
                from low in ids
                from id in ids
                from parent in Gen.Frequency((1, Gen.Constant(0UL)), (3, ids))
                from sampling in Gen.Elements(SamplingState.Denied, SamplingState.Accepted, SamplingState.Debug)
                from isShort in Gen.Elements(true, false)
                select new RequestSpan
                {
                    TraceId = new TraceId(isShort ? 0 : high, low),
                    Id = new SpanId(id),
                    Parent = new SpanId(parent),
                    Sampling = sampling,
                    Format = TraceFormat.B3Single,
                    HasShortId = isShort,
                }).ToArbitrary();
    }
}
