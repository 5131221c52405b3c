using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Sidecar.Telemetry.Tracing;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

public sealed class TracerTests : IAsyncDisposable
{
    private const string Trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    private const string Span = "00f067aa0ba902b7";
    private static readonly Uri Collector = new("http://collector:4317");

    private readonly MetricRegistry _registry;
    private readonly SpanQueue _queue;
    private readonly Tracer _tracer;

    public TracerTests()
    {
        var time = new ManualTimeProvider();
        _registry = new MetricRegistry(time);
        _queue = new SpanQueue((config, resource) => new FakeExport(config, resource), () => null, _registry, time, NullLogger.Instance);
        _tracer = new Tracer(new Random(1), _queue);
        _tracer.Configure(new TracingConfig { Endpoint = Collector, SamplingPercent = 100 });
    }

    public async ValueTask DisposeAsync()
    {
        await _queue.DisposeAsync();
        _registry.Dispose();
    }

    [Fact]
    public void Begin_NoCollector_LeavesHeadersAndAllocatesNothing()
    {
        _tracer.Configure(new TracingConfig());
        var headers = new HeaderDictionary { ["traceparent"] = "nonsense", ["tracestate"] = "a=1" };

        Allocations.Of(() => _tracer.Begin(headers)).ShouldBe(0);

        _tracer.Begin(headers).IsStarted.ShouldBeFalse();
        headers.ShouldBe(new HeaderDictionary { ["traceparent"] = "nonsense", ["tracestate"] = "a=1" });
    }

    [Fact]
    public void Begin_NoContext_BeginsATraceInW3c()
    {
        var headers = new HeaderDictionary { ["tracestate"] = "a=1" };

        var span = _tracer.Begin(headers);

        span.Parent.IsEmpty.ShouldBeTrue();
        headers["traceparent"].ToString().ShouldBe($"00-{span.TraceId}-{span.Id}-01");
        headers.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData("00")]
    [InlineData("01")]
    public void Begin_Context_IsContinuedWithANewSpanAndTheSameDecision(string flags)
    {
        // The share would say otherwise: whoever began the trace has decided.
        _tracer.Configure(new TracingConfig { Endpoint = Collector, SamplingPercent = flags == "00" ? 100 : 0 });
        var headers = new HeaderDictionary { ["traceparent"] = $"00-{Trace}-{Span}-{flags}", ["tracestate"] = "a=1" };

        var span = _tracer.Begin(headers);

        span.TraceId.ToString().ShouldBe(Trace);
        span.Parent.ToString().ShouldBe(Span);
        span.Id.ShouldNotBe(span.Parent);
        span.IsSampled.ShouldBe(flags == "01");
        headers["traceparent"].ToString().ShouldBe($"00-{Trace}-{span.Id}-{flags}");
        headers["tracestate"].ToString().ShouldBe("a=1");
    }

    [Theory]
    [InlineData("0", false, "0")]
    [InlineData("1", true, "1")]
    [InlineData("d", true, "d")]
    public void Begin_B3DecisionAlone_BeginsATraceThatHoldsToIt(string decision, bool sampled, string passedOn)
    {
        _tracer.Configure(new TracingConfig { Endpoint = Collector, SamplingPercent = decision == "0" ? 100 : 0 });
        var headers = new HeaderDictionary { ["b3"] = decision };

        var span = _tracer.Begin(headers);

        span.IsSampled.ShouldBe(sampled);
        span.Parent.IsEmpty.ShouldBeTrue();
        headers["b3"].ToString().ShouldBe($"{span.TraceId}-{span.Id}-{passedOn}");
        headers.ContainsKey("traceparent").ShouldBeFalse();
    }

    [Theory]
    [InlineData(100, "1")]
    [InlineData(0, "0")]
    public void Begin_B3WithoutDecision_DecidesAndSaysSo(double percent, string passedOn)
    {
        _tracer.Configure(new TracingConfig { Endpoint = Collector, SamplingPercent = percent });
        var headers = new HeaderDictionary { ["X-B3-TraceId"] = "a3ce929d0e0e4736", ["X-B3-SpanId"] = Span };

        var span = _tracer.Begin(headers);

        headers["X-B3-TraceId"].ToString().ShouldBe("a3ce929d0e0e4736");
        headers["X-B3-SpanId"].ToString().ShouldBe(span.Id.ToString());
        headers["X-B3-ParentSpanId"].ToString().ShouldBe(Span);
        headers["X-B3-Sampled"].ToString().ShouldBe(passedOn);
    }

    [Fact]
    public void Begin_InvalidTraceParent_BeginsAnew()
    {
        var headers = new HeaderDictionary { ["traceparent"] = $"00-{Trace}-{Span}", ["tracestate"] = "a=1" };

        var span = _tracer.Begin(headers);

        span.TraceId.ToString().ShouldNotBe(Trace);
        headers["traceparent"].ToString().ShouldBe($"00-{span.TraceId}-{span.Id}-01");
        headers.ContainsKey("tracestate").ShouldBeFalse();
    }

    [Fact]
    public void Begin_Context_AllocatesTheHeaderAndNothingElse()
    {
        var headers = new HeaderDictionary { ["traceparent"] = $"00-{Trace}-{Span}-00" };

        // A string of 55 characters.
        Allocations.Of(() => _tracer.Begin(headers)).ShouldBeLessThanOrEqualTo(136);
    }

    [Fact]
    public void Begin_ManyRequests_IdsAreDistinctAndNotZero()
    {
        var spans = Enumerable.Range(0, 10_000).Select(_ => _tracer.Begin(new HeaderDictionary())).ToArray();

        spans.Select(span => span.Id).Distinct().Count().ShouldBe(spans.Length);
        spans.Select(span => span.TraceId).Distinct().Count().ShouldBe(spans.Length);
        spans.ShouldAllBe(span => span.IsStarted && !span.TraceId.IsEmpty && span.TraceId.High != 0);
    }

    [Theory]
    [InlineData("01", false, true)]
    [InlineData("01", true, true)]
    [InlineData("00", false, false)]
    [InlineData("00", true, true)]
    public void Exports_SampledOrFailed(string flags, bool failed, bool expected)
    {
        var headers = new HeaderDictionary { ["traceparent"] = $"00-{Trace}-{Span}-{flags}" };

        Tracer.Exports(_tracer.Begin(headers), failed).ShouldBe(expected);
        Tracer.Exports(default, failed).ShouldBeFalse();
    }
}
