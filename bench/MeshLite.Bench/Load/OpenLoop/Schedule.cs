namespace MeshLite.Bench.Load.OpenLoop;

/// <summary>
/// When each request is due, at a constant rate, decided before the first is sent. Each moment is computed from the
/// beginning, so no error adds up. Times are timestamps of the <see cref="TimeProvider"/>.
/// </summary>
/// <param name="Start">When the first is due.</param>
/// <param name="RatePerSecond">Above 0.</param>
/// <param name="Count">How many there are.</param>
/// <param name="Frequency">Timestamps a second.</param>
internal readonly record struct Schedule(long Start, double RatePerSecond, int Count, long Frequency)
{
    /// <summary>As many as are due within <paramref name="duration"/>.</summary>
    public static Schedule For(TimeSpan duration, double ratePerSecond, long start, long frequency) =>
        new(start, ratePerSecond, (int)Math.Round(duration.TotalSeconds * ratePerSecond), frequency);

    /// <summary>When request <paramref name="index"/>, from 0, is due.</summary>
    public long At(int index) => Start + (long)Math.Round(index * (double)Frequency / RatePerSecond);
}
