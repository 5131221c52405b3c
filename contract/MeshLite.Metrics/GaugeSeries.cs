namespace MeshLite.Metrics;

/// <summary>
/// A value that goes up and down; starts at 0. Stays in the exposition until <see cref="Remove"/>, unless its family was
/// registered with an idle time. Lock-free, allocates nothing.
/// </summary>
public sealed class GaugeSeries : Series
{
    private readonly GaugeFamily _family;
    private double _value;

    internal GaugeSeries(GaugeFamily family, string[] labelValues)
        : base(family, labelValues) =>
        _family = family;

    /// <summary>The value now.</summary>
    public double Value => Volatile.Read(ref _value);

    /// <summary>Sets the value; NaN and infinities are allowed.</summary>
    public void Set(double value)
    {
        Interlocked.Exchange(ref _value, value);
        Touch();
    }

    /// <summary>Adds, also less than nothing.</summary>
    public void Add(double amount)
    {
        InterlockedDouble.Add(ref _value, amount);
        Touch();
    }

    /// <summary>Takes the series out of the exposition (what it measured is gone); the next use brings it back.</summary>
    public void Remove() => _family.Remove(this);
}
