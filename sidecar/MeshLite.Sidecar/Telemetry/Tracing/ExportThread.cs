using System.Collections.Concurrent;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// The thread that exports run on, always the same one, begun by the first. They may hang there, as nothing may on a thread of the pool;
/// and OpenTelemetry's exporter rents a megabyte from a pool that keeps it by the thread: a new thread for each batch took
/// a new megabyte of the large object heap each second, and every few of them the whole heap was collected. One per <see cref="SpanQueue"/>.
/// </summary>
internal sealed class ExportThread : TaskScheduler, IDisposable
{
    private readonly BlockingCollection<Task> _exports = [];
    private readonly Lazy<Thread> _thread;

    /// <summary>Starts nothing yet.</summary>
    public ExportThread() => _thread = new Lazy<Thread>(Start);

    /// <inheritdoc/>
    public override int MaximumConcurrencyLevel => 1;

    /// <summary>The thread ends with what it is at.</summary>
    public void Dispose() => _exports.CompleteAdding();

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        _exports.Add(task);
        _ = _thread.Value;
    }

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => _exports;

    private Thread Start()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = "span export" };
        thread.UnsafeStart();
        return thread;
    }

    private void Run()
    {
        foreach (var export in _exports.GetConsumingEnumerable())
        {
            TryExecuteTask(export);
        }
    }
}
