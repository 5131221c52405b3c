namespace MeshLite.Sidecar.Resilience;

/// <summary>
/// Between durations and the units of <see cref="TimeProvider.GetTimestamp"/>, rounded down, within the range of a long.
/// Integers: <see cref="TimeProvider.GetElapsedTime(long, long)"/> goes by way of a double, which past 104 days of
/// nanoseconds may round up. Pure.
/// </summary>
internal static class Timestamps
{
    /// <summary>A duration of at least 0 in units of a frequency.</summary>
    public static long FromTimeSpan(TimeSpan duration, long frequency) => Scale(duration.Ticks, frequency, TimeSpan.TicksPerSecond);

    /// <summary>Back again.</summary>
    public static TimeSpan ToTimeSpan(long units, long frequency) => TimeSpan.FromTicks(Scale(units, TimeSpan.TicksPerSecond, frequency));

    // On Linux a unit is a nanosecond, and one division does it; 128 bits cost ten times as much, several times a request.
    private static long Scale(long value, long by, long from)
    {
        if (from % by == 0)
        {
            return value / (from / by);
        }

        return by % from == 0 && value <= long.MaxValue / (by / from) ? value * (by / from) : (long)Int128.Min(long.MaxValue, (Int128)value * by / from);
    }
}
