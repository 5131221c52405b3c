using System.Collections.Concurrent;
using MeshLite.Metrics;
using MeshLite.Model;
using MeshLite.Sidecar.Telemetry;
using MeshLite.Sidecar.Telemetry.Tracing;
using MeshLite.Sidecar.Tests.Metrics;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging;

namespace MeshLite.Sidecar.Tests.Telemetry.Tracing;

public sealed class SpanQueueTests : IAsyncDisposable, ILogger
{
    private static readonly TracingConfig First = new() { Endpoint = new Uri("http://first:4317") };
    private static readonly TracingConfig Second = new() { Endpoint = new Uri("http://second:4318"), Protocol = OtlpProtocol.HttpProtobuf };

    private readonly ManualTimeProvider _time = new();
    private readonly MetricRegistry _registry;
    private readonly SpanQueue _queue;
    private readonly ConcurrentQueue<FakeExport> _exports = new();
    private readonly ConcurrentQueue<(int Id, string Text)> _logs = new();
    private volatile WorkloadConfig? _workload;
    private volatile Func<string?> _answer = () => null;

    public SpanQueueTests()
    {
        _registry = new MetricRegistry(_time);
        _queue = new SpanQueue(Create, () => _workload, _registry, _time, this);
        _queue.Configure(First);
    }

    private int Exported => _exports.Sum(export => export.Batches.Sum(batch => batch.Length));

    public async ValueTask DisposeAsync()
    {
        _answer = () => null;
        await _queue.DisposeAsync();
        _registry.Dispose();
    }

    [Fact]
    public async Task Add_FewSpans_GoTogetherAfterASecond()
    {
        _queue.Add(Span(1));
        await Eventually.TrueAsync(() => _time.PendingTimers > 1, "the batch is open");
        _queue.Add(Span(2));
        Exported.ShouldBe(0);

        await AdvanceUntilAsync(() => Exported == 2);

        _exports.Single().Batches.Single().Select(activity => activity.SpanId.ToHexString()).ShouldBe(["0000000000000001", "0000000000000002"]);
        await CountAsync("meshlite_spans_exported_total", 2);
    }

    [Fact]
    public async Task Add_AFullBatch_GoesAtOnce()
    {
        for (var i = 1; i <= SpanQueue.MaxBatch; i++)
        {
            _queue.Add(Span(i));
        }

        await Eventually.TrueAsync(() => Exported == SpanQueue.MaxBatch, "the batch, without the clock moving");
    }

    [Fact]
    public async Task Add_CollectorHangs_KeepsSomeAndDropsAndNeverWaits()
    {
        using var gate = new ManualResetEventSlim();
        _answer = () =>
        {
            gate.Wait();
            return null;
        };
        const int Spans = 5000;
        for (var i = 1; i <= Spans; i++)
        {
            _queue.Add(Span(i));
        }

        var dropped = Exposition.Samples(_registry)["meshlite_spans_dropped_total{cause=queue_full}"];
        dropped.ShouldBeGreaterThanOrEqualTo(Spans - SpanQueue.Capacity - (2 * SpanQueue.MaxBatch));
        gate.Set();
        await AdvanceUntilAsync(() => Exported + dropped == Spans);
    }

    [Fact]
    public async Task Export_Fails_IsCountedAndToldOncePerChange()
    {
        _answer = () => "no connection";
        await SendAsync(1);
        await SendAsync(2);
        await CountAsync("meshlite_spans_dropped_total{cause=export_failed}", 2);
        _answer = () => throw new InvalidOperationException("library");
        await SendAsync(3);
        await CountAsync("meshlite_spans_dropped_total{cause=export_failed}", 3);
        _answer = () => null;
        await SendAsync(4);
        await SendAsync(5);
        await CountAsync("meshlite_spans_exported_total", 2);
        _answer = () => "gone again";
        await SendAsync(6);
        await CountAsync("meshlite_spans_dropped_total{cause=export_failed}", 4);

        await Eventually.TrueAsync(() => _logs.Count == 3, "three lines");
        _logs.Select(line => line.Id).ShouldBe([1400, 1401, 1400]);
        _logs.First().Text.ShouldBe("spans can't be exported to http://first:4317/ and are dropped: no connection");
    }

    [Fact]
    public async Task Configure_AnotherCollector_TakesWhatComesAndTheOldOneIsEnded()
    {
        await SendAsync(1);
        _queue.Configure(Second);
        await SendAsync(2);
        _queue.Configure(Second with { });
        await SendAsync(3);

        await Eventually.TrueAsync(() => Exported == 3, "all three");
        _exports.Select(export => (export.Config.Endpoint, export.Batches.Count, export.Disposed)).ShouldBe([(First.Endpoint, 1, true), (Second.Endpoint, 2, false)]);
    }

    [Fact]
    public async Task Configure_NoCollector_DropsWhatStillComes()
    {
        await SendAsync(1);
        _queue.Configure(new TracingConfig());
        await SendAsync(2);

        await CountAsync("meshlite_spans_dropped_total{cause=export_failed}", 1);
        _exports.Single().Disposed.ShouldBeTrue();
        _logs.ShouldBeEmpty();
    }

    [Fact]
    public async Task Export_EachBatch_RunsOnTheSameThreadWhichIsNotThePools()
    {
        var threads = new ConcurrentQueue<Thread>();
        _answer = () =>
        {
            threads.Enqueue(Thread.CurrentThread);
            return null;
        };
        for (var i = 1; i <= 5; i++)
        {
            await SendAsync(i);
        }

        threads.Count.ShouldBe(5);
        threads.Distinct().Single().IsThreadPoolThread.ShouldBeFalse();
    }

    [Fact]
    public async Task Export_WaitsForTasksOfItsOwn_TheyDoNotWaitForItsThread()
    {
        var schedulers = new ConcurrentQueue<TaskScheduler>();
        _answer = () =>
        {
            schedulers.Enqueue(TaskScheduler.Current);
            return null;
        };
        await SendAsync(1);

        schedulers.ShouldBe([TaskScheduler.Default]);
    }

    [Fact]
    public async Task Export_WorkloadKnown_NamesServiceOrWorkload()
    {
        _workload = new WorkloadConfig { Identity = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"), Workload = "orders-1", Version = "v2" };
        await SendAsync(1);
        _workload = _workload with { Service = new ServiceRef("shop", "orders", 80) };
        await SendAsync(2);

        _exports.Select(export => export.Resource).ShouldBe([new SpanResource("orders-1", "shop", "orders-1", "v2"), new SpanResource("orders", "shop", "orders-1", "v2")]);
    }

    [Fact]
    public async Task DisposeAsync_SpansWaiting_ExportsThemAtOnce()
    {
        _queue.Add(Span(1));

        await _queue.DisposeAsync();

        Exported.ShouldBe(1);
        _exports.Single().Disposed.ShouldBeTrue();
    }

    [Fact]
    public async Task DisposeAsync_CollectorHangs_GivesUpAfterFiveSeconds()
    {
        using var gate = new ManualResetEventSlim();
        using var tried = new ManualResetEventSlim();
        _answer = () =>
        {
            tried.Set();
            gate.Wait();
            return null;
        };
        _queue.Add(Span(1));

        var disposing = _queue.DisposeAsync().AsTask();
        tried.Wait(TestContext.Current.CancellationToken);
        disposing.IsCompleted.ShouldBeFalse();

        // The export may have begun before the wait for it: time passes until that has.
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromSeconds(5));
                return disposing.IsCompleted;
            },
            "it has given up");

        await disposing;
        gate.Set();
    }

    void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _logs.Enqueue((eventId.Id, formatter(state, exception)));

    bool ILogger.IsEnabled(LogLevel logLevel) => true;

    IDisposable? ILogger.BeginScope<TState>(TState state) => null;

    private static SpanRecord Span(int id) => new()
    {
        Span = new RequestSpan { TraceId = new TraceId(1, 2), Id = new SpanId((ulong)id), Sampling = SamplingState.Accepted },
        Request = new RequestRecord { Method = "GET", Status = 200, Time = DateTimeOffset.UnixEpoch },
    };

    private FakeExport Create(TracingConfig config, SpanResource resource)
    {
        var export = new FakeExport(config, resource) { Answer = () => _answer() };
        _exports.Enqueue(export);
        return export;
    }

    /// <summary>One span in a batch of its own.</summary>
    private async Task SendAsync(int id)
    {
        var before = Settled();
        _queue.Add(Span(id));
        await AdvanceUntilAsync(() => Settled() > before);
    }

    private double Settled() =>
        Exposition.Samples(_registry).Where(s => s.Key.StartsWith("meshlite_spans_", StringComparison.Ordinal)).Sum(s => s.Value);

    /// <summary>The task opens a batch whenever it gets to it; so the clock moves until it has closed it.</summary>
    private Task AdvanceUntilAsync(Func<bool> condition) => Eventually.TrueAsync(
        () =>
        {
            _time.Advance(SpanQueue.Linger);
            return condition();
        },
        "spans are exported");

    private Task CountAsync(string sample, double value) => Eventually.TrueAsync(() => Exposition.Samples(_registry)[sample] == value, $"{sample} is {value}");
}
