using System.Buffers;
using System.Collections.Concurrent;

namespace MeshLite.Metrics;

/// <summary>
/// A family whose series are made as their label values turn up. Lookups of known series and recording take no lock;
/// new series, sweeps and wake-ups do. Three sets: listed (exposed), dormant (idle, held by the callers' handles only),
/// and the one overflow series. Listed and dormant together never exceed the cap, so a wake-up always finds its place.
/// </summary>
public abstract class SeriesFamily<TSeries> : MetricFamily, ISeriesOwner
    where TSeries : Series
{
    /// <summary>What every label of the overflow series says.</summary>
    public const string OverflowValue = "_other";

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string[], TSeries> _listed = new(LabelValuesComparer.Instance);
    private readonly ConcurrentDictionary<string[], TSeries>.AlternateLookup<ReadOnlySpan<string>> _lookup;
    private readonly Dictionary<string[], WeakReference<TSeries>> _dormant = new(LabelValuesComparer.Instance);
    private readonly int _maxSeries;
    private readonly long _idleLimit;
    private readonly TimeProvider _timeProvider;
    private int _listedCount;
    private TSeries? _overflow;

    private protected SeriesFamily(
        MetricType type, string name, string help, ReadOnlySpan<string> labelNames, FamilyOptions? options, TimeProvider timeProvider)
        : base(type, name, help, labelNames)
    {
        options ??= new FamilyOptions();
        if (options.MaxSeries < 1)
        {
            throw new ArgumentException($"'{name}': the cap must be at least 1.", nameof(options));
        }

        _lookup = _listed.GetAlternateLookup<ReadOnlySpan<string>>();
        _timeProvider = timeProvider;
        _maxSeries = options.MaxSeries;

        var idle = options.IdleTimeout
            ?? (type == MetricType.Gauge || labelNames.IsEmpty ? Timeout.InfiniteTimeSpan : FamilyOptions.DefaultIdleTimeout);
        _idleLimit = idle == Timeout.InfiniteTimeSpan ? long.MaxValue : (long)(idle.TotalSeconds * timeProvider.TimestampFrequency);
    }

    /// <summary>
    /// The series of these label values, made if need be (it then stands in the exposition with 0 at once). At the cap:
    /// the overflow series. Allocates only when it makes one.
    /// </summary>
    public TSeries Series(params ReadOnlySpan<string> labelValues)
    {
        if (labelValues.Length != LabelNames.Length)
        {
            throw new ArgumentException($"'{Name}' has {LabelNames.Length} labels, not {labelValues.Length}.", nameof(labelValues));
        }

        if (_lookup.TryGetValue(labelValues, out var series))
        {
            // So that what was just handed out does not go dormant before its first use.
            series.Touch();
            return series;
        }

        return FindOrAdd(labelValues);
    }

    /// <summary>Series now in the exposition, the overflow series included.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _listedCount + (_overflow is null ? 0 : 1);
            }
        }
    }

    private protected abstract TSeries Create(string[] labelValues);

    private protected abstract void WriteSeries(ref ExpositionWriter writer, TSeries series, ReadOnlySpan<byte> labels);

    long ISeriesOwner.Now => _timeProvider.GetTimestamp();

    DateTimeOffset ISeriesOwner.UtcNow => _timeProvider.GetUtcNow();

    internal sealed override void Write(ref ExpositionWriter writer, ArrayBufferWriter<byte> scratch)
    {
        writer.Header(this);
        foreach (var (_, series) in _listed)
        {
            WriteOne(ref writer, series, scratch);
        }

        if (Volatile.Read(ref _overflow) is { } overflow)
        {
            WriteOne(ref writer, overflow, scratch);
        }
    }

    internal sealed override void Sweep(long now)
    {
        if (_idleLimit == long.MaxValue)
        {
            return;
        }

        lock (_lock)
        {
            foreach (var (key, series) in _listed)
            {
                if (series.Sweep_NeedsLock(now, _idleLimit))
                {
                    Unlist_NeedsLock(key, series);
                }
            }

            PruneDormant_NeedsLock();
        }
    }

    /// <summary>Takes a series out of the exposition whatever its use.</summary>
    private protected void Unlist(TSeries series)
    {
        lock (_lock)
        {
            if (!ReferenceEquals(series, _overflow) && series.Drop_NeedsLock())
            {
                Unlist_NeedsLock(series.LabelValues, series);
            }
        }
    }

    void ISeriesOwner.Relist(Series series)
    {
        lock (_lock)
        {
            if (_dormant.Remove(series.LabelValues) && _listed.TryAdd(series.LabelValues, (TSeries)series))
            {
                _listedCount++;
            }
        }
    }

    private TSeries FindOrAdd(ReadOnlySpan<string> labelValues)
    {
        TSeries? found = null;
        lock (_lock)
        {
            if (_lookup.TryGetValue(labelValues, out found))
            {
                return found;
            }

            if (_dormant.Count > 0 && _dormant.GetAlternateLookup<ReadOnlySpan<string>>().TryGetValue(labelValues, out var reference))
            {
                reference.TryGetTarget(out found);
            }

            if (found is null)
            {
                if (_listedCount + _dormant.Count >= _maxSeries)
                {
                    PruneDormant_NeedsLock();
                }

                if (_listedCount + _dormant.Count >= _maxSeries)
                {
                    return _overflow ??= CreateOverflow();
                }

                found = Create(labelValues.ToArray());
                _dormant.Remove(found.LabelValues);
                _listed[found.LabelValues] = found;
                _listedCount++;
                return found;
            }
        }

        found.Touch();
        return found;
    }

    private TSeries CreateOverflow()
    {
        var values = new string[LabelNames.Length];
        Array.Fill(values, OverflowValue);
        return Create(values);
    }

    private void Unlist_NeedsLock(string[] key, TSeries series)
    {
        if (_listed.TryRemove(key, out _))
        {
            _listedCount--;
            _dormant[key] = new WeakReference<TSeries>(series);
        }
    }

    private void PruneDormant_NeedsLock()
    {
        foreach (var (key, reference) in _dormant)
        {
            // Removing while enumerating is allowed (.NET Core 3.0 and later).
            if (!reference.TryGetTarget(out _))
            {
                _dormant.Remove(key);
            }
        }
    }

    private void WriteOne(ref ExpositionWriter writer, TSeries series, ArrayBufferWriter<byte> scratch)
    {
        scratch.ResetWrittenCount();
        ExpositionWriter.EncodeLabels(scratch, LabelNames, series.LabelValues);
        WriteSeries(ref writer, series, scratch.WrittenSpan);
    }
}
