using MeshLite.Sidecar.Telemetry.Tracing;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

public sealed class PropagationTests
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";
    private const string Valid = $"00-{Trace}-{Span}-01";

    private static readonly RequestSpan Own = new()
    {
        TraceId = new TraceId(0x4bf92f3577b34da6, 0xa3ce929d0e0e4736),
        Id = new SpanId(0xb7ad6b7169203331),
        Parent = new SpanId(0x00f067aa0ba902b7),
        Sampling = SamplingState.Accepted,
    };

    [Fact]
    public void TryRead_SeveralHeadersOfOneName_IsNone()
    {
        Propagation.TryRead(new HeaderDictionary { ["traceparent"] = new[] { Valid, Valid } }, out _).ShouldBeFalse();
        Propagation.TryRead(new HeaderDictionary { ["b3"] = new[] { $"{Trace}-{Span}-1", $"{Trace}-{Span}-1" } }, out _).ShouldBeFalse();
        Propagation.TryRead(new HeaderDictionary { ["X-B3-TraceId"] = new[] { Trace, Trace }, ["X-B3-SpanId"] = Span }, out _).ShouldBeFalse();
    }

    [Fact]
    public void TryRead_SeveralFormats_W3cGoesFirstEvenInvalidThenSingle()
    {
        var b3 = $"a3ce929d0e0e4736-{Span}";

        Propagation.TryRead(new HeaderDictionary { ["TraceParent"] = Valid, ["b3"] = b3 }, out var context).ShouldBeTrue();
        context.TraceId.ToString().ShouldBe(Trace);
        context.Format.ShouldBe(TraceFormat.W3C);
        Propagation.TryRead(new HeaderDictionary { ["traceparent"] = "nonsense", ["b3"] = b3 }, out _).ShouldBeFalse();
        Propagation.TryRead(new HeaderDictionary { ["b3"] = b3, ["X-B3-TraceId"] = Trace, ["X-B3-SpanId"] = Span }, out context).ShouldBeTrue();
        context.Format.ShouldBe(TraceFormat.B3Single);
        Propagation.TryRead(new HeaderDictionary(), out _).ShouldBeFalse();
    }

    [Fact]
    public void Write_W3c_NamesTheSpanAndKeepsState()
    {
        var headers = new HeaderDictionary { ["traceparent"] = Valid, ["tracestate"] = new[] { "a=1", "b=2" }, ["b3"] = "0" };

        Propagation.Write(headers, Own);

        headers["traceparent"].ToArray().ShouldBe([$"00-{Trace}-b7ad6b7169203331-01"]);
        headers["tracestate"].ToArray().ShouldBe(["a=1", "b=2"]);
        headers["b3"].ToArray().ShouldBe(["0"]);
    }

    [Fact]
    public void Write_W3cTraceThatBeginsHere_DropsTheStateOfNone()
    {
        var headers = new HeaderDictionary { ["traceparent"] = new[] { Valid, Valid }, ["tracestate"] = "a=1" };

        Propagation.Write(headers, Own with { Parent = default, Sampling = SamplingState.Denied });

        headers["traceparent"].ToArray().ShouldBe([$"00-{Trace}-b7ad6b7169203331-00"]);
        headers.ContainsKey("tracestate").ShouldBeFalse();
    }

    [Theory]
    [InlineData("Accepted", false, "4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-1-00f067aa0ba902b7")]
    [InlineData("Denied", false, "4bf92f3577b34da6a3ce929d0e0e4736-b7ad6b7169203331-0-00f067aa0ba902b7")]
    [InlineData("Debug", true, "a3ce929d0e0e4736-b7ad6b7169203331-d-00f067aa0ba902b7")]
    public void Write_B3Single_NamesSpanAndParent(string sampling, bool isShort, string expected)
    {
        var headers = new HeaderDictionary { ["b3"] = "whatever" };

        Propagation.Write(headers, Own with { Format = TraceFormat.B3Single, Sampling = Enum.Parse<SamplingState>(sampling), HasShortId = isShort });

        headers["b3"].ToString().ShouldBe(expected);
        headers.ContainsKey("traceparent").ShouldBeFalse();
    }

    [Theory]
    [InlineData("Accepted", "1", "")]
    [InlineData("Denied", "0", "")]
    // Debug goes without a decision: it implies one.
    [InlineData("Debug", "", "1")]
    public void Write_B3Multi_NamesSpanAndParent(string sampling, string sampled, string flags)
    {
        var headers = new HeaderDictionary { ["X-B3-TraceId"] = Trace, ["X-B3-SpanId"] = Span, ["X-B3-Sampled"] = "true" };
        if (flags.Length > 0)
        {
            headers["X-B3-Flags"] = flags;
        }

        Propagation.Write(headers, Own with { Format = TraceFormat.B3Multi, Sampling = Enum.Parse<SamplingState>(sampling) });

        headers["X-B3-TraceId"].ToString().ShouldBe(Trace);
        headers["X-B3-SpanId"].ToString().ShouldBe("b7ad6b7169203331");
        headers["X-B3-ParentSpanId"].ToString().ShouldBe(Span);
        headers["X-B3-Sampled"].ToString().ShouldBe(sampled);
        headers["X-B3-Flags"].ToString().ShouldBe(flags);
    }

    [Fact]
    public void TryRead_Always_AllocatesNothing()
    {
        var headers = new HeaderDictionary { ["traceparent"] = Valid };

        Allocations.Of(() => Propagation.TryRead(headers, out _)).ShouldBe(0);
    }
}
