namespace MeshLite.Metrics;

/// <summary>
/// A count that only grows. It starts at 0 when the series is made and at no other time: Prometheus sees a reset only
/// when the process restarts, or when a series nobody held a handle of expired and later came anew.
/// Whole numbers are counted exactly; recording is lock-free and allocates nothing.
/// </summary>
public sealed class CounterSeries : Series
{
    private StripedCounter _whole;
    private double _fractions;

    internal CounterSeries(ISeriesOwner owner, string[] labelValues)
        : base(owner, labelValues)
    {
    }

    /// <summary>The count so far.</summary>
    public double Value => _whole.Value + Volatile.Read(ref _fractions);

    /// <summary>Adds 1.</summary>
    public void Increment()
    {
        _whole.Add(1);
        Touch();
    }

    /// <summary>Adds a whole number, 0 or more.</summary>
    public void Add(long amount)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(amount);
        _whole.Add(amount);
        Touch();
    }

    /// <summary>Adds 0 or more (seconds, say). Slower than whole numbers where many threads add at once.</summary>
    public void Add(double amount)
    {
        if (!(amount >= 0))
        {
            throw new ArgumentOutOfRangeException(nameof(amount), amount, "A counter only grows.");
        }

        InterlockedDouble.Add(ref _fractions, amount);
        Touch();
    }

    internal void Write(ref ExpositionWriter writer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> labels)
    {
        var fractions = Volatile.Read(ref _fractions);
        if (fractions == 0)
        {
            writer.Sample(name, default, labels, _whole.Value);
        }
        else
        {
            writer.Sample(name, default, labels, _whole.Value + fractions);
        }
    }
}
