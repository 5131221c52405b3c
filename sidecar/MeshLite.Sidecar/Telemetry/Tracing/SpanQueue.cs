using System.Diagnostics;
using System.Threading.Channels;
using MeshLite.Metrics;
using MeshLite.Model;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Spans on their way to the collector. Requests hand them in from any thread and never wait; one task gathers batches and
/// exports each on a thread of its own, which may hang as long as the collector does. What cannot be kept or delivered is
/// dropped and counted, and a collector that fails is told of once, until it is well again. One per sidecar.
/// </summary>
internal sealed class SpanQueue : IAsyncDisposable
{
    /// <summary>Spans that may wait. <value>2,048, OpenTelemetry's default.</value></summary>
    public const int Capacity = 2048;

    /// <summary>Spans sent at once. <value>512, OpenTelemetry's default.</value></summary>
    public const int MaxBatch = 512;

    /// <summary>How long the first span of a batch waits for others. <value>1 s.</value></summary>
    public static readonly TimeSpan Linger = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private readonly Channel<SpanRecord> _spans = Channel.CreateBounded<SpanRecord>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly CancellationTokenSource _ending = new();
    private readonly SpanExportFactory _factory;
    private readonly Func<WorkloadConfig?> _workload;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CounterSeries _exported;
    private readonly CounterSeries _droppedFull;
    private readonly CounterSeries _droppedFailed;
    private readonly Task _task;
    private readonly ExportThread _thread = new();
    private volatile TracingConfig _config = new();

    // Of the task alone.
    private (TracingConfig Config, SpanResource Resource, ISpanExport Export)? _current;
    private bool _failing;

    /// <summary>Starts the task; exports once <see cref="Configure"/> names a collector.</summary>
    public SpanQueue(SpanExportFactory factory, Func<WorkloadConfig?> workload, MetricRegistry metrics, TimeProvider time, ILogger log)
    {
        _factory = factory;
        _workload = workload;
        _time = time;
        _log = log;
        var forever = new FamilyOptions { IdleTimeout = Timeout.InfiniteTimeSpan };
        _exported = metrics.AddCounter("meshlite_spans_exported_total", "Spans the collector took.", forever).Series();
        var dropped = metrics.AddCounter("meshlite_spans_dropped_total", "Spans dropped: the collector did not keep up, or did not take them.", forever, "cause");
        _droppedFull = dropped.Series("queue_full");
        _droppedFailed = dropped.Series("export_failed");
        _task = Task.Run(RunAsync);
    }

    /// <summary>Where spans go from the next batch on. Any thread.</summary>
    public void Configure(TracingConfig config) => _config = config;

    /// <summary>Hands in a span. Never waits.</summary>
    public void Add(in SpanRecord span)
    {
        if (!_spans.Writer.TryWrite(span))
        {
            _droppedFull.Increment();
        }
    }

    /// <summary>Exports what is waiting, for 5 s at most, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_spans.Writer.TryComplete())
        {
            return;
        }

        await _ending.CancelAsync();
        try
        {
            await _task.WaitAsync(FlushTimeout, _time);
            _ending.Dispose();
        }
        catch (TimeoutException)
        {
            // The collector hangs: the process must end all the same.
        }
    }

    private async Task RunAsync()
    {
        var batch = new List<SpanRecord>(MaxBatch);
        while (await _spans.Reader.WaitToReadAsync())
        {
            await GatherAsync(batch);
            await ExportAsync(batch);
            batch.Clear();
        }

        _current?.Export.Dispose();
        _thread.Dispose();
    }

    private async ValueTask GatherAsync(List<SpanRecord> batch)
    {
        using var linger = new CancellationTokenSource(Linger, _time);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(linger.Token, _ending.Token);
        try
        {
            do
            {
                while (batch.Count < MaxBatch && _spans.Reader.TryRead(out var span))
                {
                    batch.Add(span);
                }
            }
            while (batch.Count < MaxBatch && await _spans.Reader.WaitToReadAsync(enough.Token));
        }
        catch (OperationCanceledException)
        {
            // What is there is the batch.
        }
    }

    private async Task ExportAsync(List<SpanRecord> batch)
    {
        string? problem;
        try
        {
            // What goes on below must not come back to a thread that waits for it: the scheduler is hidden.
            problem = Follow() is { } export
                ? await Task.Factory.StartNew(() => Export(export, batch), CancellationToken.None, TaskCreationOptions.HideScheduler, _thread)
                : "no collector";
        }
        catch (Exception e)
        {
            // The loop's root: whatever a library throws, requests and the next batch go on.
            problem = e.Message;
        }

        (problem is null ? _exported : _droppedFailed).Add(batch.Count);
        Tell(problem);
    }

    private static string? Export(ISpanExport export, List<SpanRecord> batch)
    {
        var activities = new Activity[batch.Count];
        for (var i = 0; i < activities.Length; i++)
        {
            activities[i] = SpanActivity.Create(batch[i]);
        }

        return export.Export(activities, activities.Length);
    }

    /// <summary>The export for the settings and the workload in force now; null: no collector.</summary>
    private ISpanExport? Follow()
    {
        var config = _config;
        var resource = SpanResource.Of(_workload());
        if (_current is { } current && current.Config == config && current.Resource == resource)
        {
            return current.Export;
        }

        _current?.Export.Dispose();
        _current = null;
        if (config.Endpoint is null)
        {
            return null;
        }

        _failing = false;
        _current = (config, resource, _factory(config, resource));
        return _current.Value.Export;
    }

    private void Tell(string? problem)
    {
        if (problem is not null && !_failing && _current is { } failing)
        {
            TracingLog.ExportFails(_log, failing.Config.Endpoint!, problem);
        }
        else if (problem is null && _failing)
        {
            TracingLog.ExportWorks(_log, _current!.Value.Config.Endpoint!);
        }

        _failing = problem is not null;
    }
}
