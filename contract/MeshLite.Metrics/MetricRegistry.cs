using System.Buffers;
using System.IO.Pipelines;

namespace MeshLite.Metrics;

/// <summary>
/// The metrics of one process: families are registered at start and stay; their series come and go. Owned by the
/// program's composition root. Registering locks, writing (one scrape) and recording do not. Stands in for prometheus-net.
/// </summary>
public sealed class MetricRegistry : IDisposable
{
    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly TimeProvider _timeProvider;
    private readonly ITimer _sweepTimer;
    private readonly CounterFamily _callbackFailures;
    private MetricFamily[] _families = [];

    /// <summary>An empty registry, but for its own count of failing callbacks.</summary>
    public MetricRegistry(TimeProvider timeProvider)
    {
        _timeProvider = timeProvider;
        _callbackFailures = AddCounter("meshlite_metric_callback_failures_total", "Metric callbacks that failed, by family; its samples are missing from that scrape.", "family");
        _sweepTimer = timeProvider.CreateTimer(static state => ((MetricRegistry)state!).Sweep(), this, SweepInterval, SweepInterval);
    }

    /// <summary>Registers a family of counters. A name can be registered once.</summary>
    public CounterFamily AddCounter(string name, string help, params ReadOnlySpan<string> labelNames) => AddCounter(name, help, null, labelNames);

    /// <inheritdoc cref="AddCounter(string, string, ReadOnlySpan{string})"/>
    public CounterFamily AddCounter(string name, string help, FamilyOptions? options, params ReadOnlySpan<string> labelNames) =>
        Add(new CounterFamily(name, help, labelNames, options, _timeProvider));

    /// <summary>Registers a family of gauges. A name can be registered once.</summary>
    public GaugeFamily AddGauge(string name, string help, params ReadOnlySpan<string> labelNames) => AddGauge(name, help, null, labelNames);

    /// <inheritdoc cref="AddGauge(string, string, ReadOnlySpan{string})"/>
    public GaugeFamily AddGauge(string name, string help, FamilyOptions? options, params ReadOnlySpan<string> labelNames) =>
        Add(new GaugeFamily(name, help, labelNames, options, _timeProvider));

    /// <summary>Registers a family of histograms, by default of durations in seconds. A name can be registered once.</summary>
    public HistogramFamily AddHistogram(string name, string help, params ReadOnlySpan<string> labelNames) => AddHistogram(name, help, null, labelNames);

    /// <inheritdoc cref="AddHistogram(string, string, ReadOnlySpan{string})"/>
    public HistogramFamily AddHistogram(string name, string help, FamilyOptions? options, params ReadOnlySpan<string> labelNames) =>
        Add(new HistogramFamily(name, help, labelNames, options, _timeProvider));

    /// <summary>Registers a gauge without labels that is read when somebody scrapes.</summary>
    public void AddGaugeCallback(string name, string help, Func<double> read) =>
        AddGaugeCallback(name, help, [], samples => samples.Add(read()));

    /// <summary>Registers gauges that are read when somebody scrapes; the callback adds one sample per series.</summary>
    public void AddGaugeCallback(string name, string help, ReadOnlySpan<string> labelNames, Action<CallbackSamples> read) =>
        Add(new CallbackFamily(MetricType.Gauge, name, help, labelNames, read));

    /// <summary>Registers a counter kept elsewhere (by the runtime, say) that is read when somebody scrapes.</summary>
    public void AddCounterCallback(string name, string help, Func<double> read) =>
        AddCounterCallback(name, help, [], samples => samples.Add(read()));

    /// <inheritdoc cref="AddCounterCallback(string, string, Func{double})"/>
    public void AddCounterCallback(string name, string help, ReadOnlySpan<string> labelNames, Action<CallbackSamples> read) =>
        Add(new CallbackFamily(MetricType.Counter, name, help, labelNames, read));

    /// <summary>Writes everything, in the order of registration.</summary>
    public void Write(IBufferWriter<byte> output, ExpositionFormat format)
    {
        var writer = new ExpositionWriter(output, format);
        var scratch = new ArrayBufferWriter<byte>(256);
        foreach (var family in Volatile.Read(ref _families))
        {
            WriteFamily(ref writer, family, scratch);
        }

        writer.End();
    }

    /// <summary>As <see cref="Write"/>, flushing after each family so that a large exposition does not pile up.</summary>
    public ValueTask WriteAsync(PipeWriter output, ExpositionFormat format, CancellationToken cancellationToken) =>
        WriteAsync(output, format, null, default, cancellationToken);

    /// <summary>
    /// As above, with somebody else's families after ours: <paramref name="others"/>, in the same format and without an end marker. A family
    /// can stand in a page once: of those whose names are <paramref name="taken"/>, ours are left out.
    /// </summary>
    public async ValueTask WriteAsync(
        PipeWriter output, ExpositionFormat format, IReadOnlySet<string>? taken, ReadOnlyMemory<byte> others, CancellationToken cancellationToken)
    {
        var scratch = new ArrayBufferWriter<byte>(256);
        foreach (var family in Volatile.Read(ref _families))
        {
            if (taken is not null && family.IsAmong(taken))
            {
                continue;
            }

            var writer = new ExpositionWriter(output, format);
            WriteFamily(ref writer, family, scratch);
            var flushed = await output.FlushAsync(cancellationToken);
            if (flushed.IsCompleted || flushed.IsCanceled)
            {
                return;
            }
        }

        await output.WriteAsync(others, cancellationToken);
        new ExpositionWriter(output, format).End();
        await output.FlushAsync(cancellationToken);
    }

    /// <summary>Stops the sweeps.</summary>
    public void Dispose() => _sweepTimer.Dispose();

    private void WriteFamily(ref ExpositionWriter writer, MetricFamily family, ArrayBufferWriter<byte> scratch)
    {
        try
        {
            family.Write(ref writer, scratch);
        }
        catch (Exception) when (family is CallbackFamily)
        {
            // Somebody's callback: the other families are still worth reading.
            _callbackFailures.Series(family.Name).Increment();
        }
    }

    private void Sweep()
    {
        var now = _timeProvider.GetTimestamp();
        foreach (var family in Volatile.Read(ref _families))
        {
            family.Sweep(now);
        }
    }

    private TFamily Add<TFamily>(TFamily family)
        where TFamily : MetricFamily
    {
        lock (_lock)
        {
            foreach (var other in _families)
            {
                if (other.FamilyName == family.FamilyName)
                {
                    throw new InvalidOperationException($"Metric '{family.Name}' is registered already.");
                }
            }

            Volatile.Write(ref _families, [.. _families, family]);
        }

        return family;
    }
}
