using System.Buffers;
using System.Threading.Channels;
using MeshLite.Metrics;
using MeshLite.Model;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// One JSON line per request. The pipelines hand records in from any thread and never wait; one background writer makes
/// lines and writes them. What it cannot keep up with, or cannot write, is dropped and counted
/// (<c>meshlite_access_log_dropped_total</c>). One per sidecar; the mode follows <see cref="MeshSettingsConfig.AccessLog"/>.
/// </summary>
internal sealed class AccessLog : IAsyncDisposable
{
    /// <summary>Records that may wait for the writer. <value>4,096.</value></summary>
    public const int Capacity = 4096;

    /// <summary>
    /// Bytes per write, unless one line alone is longer: PIPE_BUF, up to which a write into a pipe is not torn by
    /// others (pipe(7)); the process's other output goes the same way. <value>4,096.</value>
    /// </summary>
    private const int MaxWriteBytes = 4096;

    private static readonly TimeSpan FlushTimeout = TimeSpan.FromSeconds(5);

    private readonly Channel<RequestRecord> _records;
    private readonly Stream _output;
    private readonly TimeProvider _timeProvider;
    private readonly CounterSeries _droppedFull;
    private readonly CounterSeries _droppedFailed;
    private readonly Task _writer;
    private volatile AccessLogMode _mode;

    /// <summary>Starts the writer. <paramref name="output"/> (standard output) stays the caller's.</summary>
    public AccessLog(Stream output, MetricRegistry registry, TimeProvider timeProvider)
    {
        _output = output;
        _timeProvider = timeProvider;
        _records = Channel.CreateBounded<RequestRecord>(new BoundedChannelOptions(Capacity) { SingleReader = true });
        var dropped = registry.AddCounter(
            "meshlite_access_log_dropped_total", "Access log lines dropped: the writer did not keep up, or writing failed.",
            new FamilyOptions { IdleTimeout = Timeout.InfiniteTimeSpan }, "cause");
        _droppedFull = dropped.Series("queue_full");
        _droppedFailed = dropped.Series("write_failed");
        _writer = Task.Run(RunAsync);
    }

    /// <summary>Which requests get a line; may change at any time. <value>Default <see cref="AccessLogMode.Failures"/>.</value></summary>
    public AccessLogMode Mode
    {
        get => _mode;
        set => _mode = value;
    }

    /// <summary>Whether a request that failed, or did not, is to be logged now.</summary>
    public bool Wants(bool failed) => _mode == AccessLogMode.All || (failed && _mode == AccessLogMode.Failures);

    /// <summary>Logs the request if the mode says so. Never waits.</summary>
    public void Record(in RequestRecord record)
    {
        if (Wants(record.Failed) && !_records.Writer.TryWrite(record))
        {
            _droppedFull.Increment();
        }
    }

    /// <summary>Writes what is waiting, for 5 s at most, and stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _records.Writer.TryComplete();
        try
        {
            await _writer.WaitAsync(FlushTimeout, _timeProvider);
        }
        catch (TimeoutException)
        {
            // Nobody reads our output: the process must end all the same.
        }
    }

    private async Task RunAsync()
    {
        var line = new AccessLogLine();
        var lineBuffer = new ArrayBufferWriter<byte>(1024);
        var batch = new ArrayBufferWriter<byte>(MaxWriteBytes);
        var lines = 0;
        while (await _records.Reader.WaitToReadAsync())
        {
            while (_records.Reader.TryRead(out var record))
            {
                lineBuffer.ResetWrittenCount();
                line.Write(lineBuffer, in record);
                if (batch.WrittenCount + lineBuffer.WrittenCount > MaxWriteBytes)
                {
                    await WriteAsync(batch, lines);
                    lines = 0;
                }

                batch.Write(lineBuffer.WrittenSpan);
                lines++;
            }

            await WriteAsync(batch, lines);
            lines = 0;
        }
    }

    private async ValueTask WriteAsync(ArrayBufferWriter<byte> batch, int lines)
    {
        try
        {
            await _output.WriteAsync(batch.WrittenMemory);
            await _output.FlushAsync();
        }
        catch (Exception)
        {
            // Standard output is gone or broken; requests go on.
            _droppedFailed.Add(lines);
        }

        batch.ResetWrittenCount();
    }
}
