namespace MeshLite.Metrics;

/// <summary>Bounds of one family. Immutable; chosen where the family is registered.</summary>
public sealed record FamilyOptions
{
    /// <summary>
    /// Most series the family holds; further label values share one series whose labels are all <c>_other</c>.
    /// <value>Default 2,000; at least 1.</value>
    /// </summary>
    public int MaxSeries { get; init; } = 2000;

    /// <summary>
    /// A series not used for this long leaves the exposition (seen by a sweep every 30 s), until it is used again.
    /// <value>Null: the kind's default, which is 10 min for counters and histograms with labels, never for gauges
    /// (a gauge's value holds until it is set again) and for families without labels.
    /// <see cref="Timeout.InfiniteTimeSpan"/>: never.</value>
    /// </summary>
    public TimeSpan? IdleTimeout { get; init; }

    /// <summary>
    /// Histograms only: upper bounds of the buckets, ascending, without <c>+Inf</c>.
    /// <value>Default <see cref="HistogramBuckets.Durations"/>.</value>
    /// </summary>
    public ReadOnlyMemory<double> Buckets { get; init; } = HistogramBuckets.Durations;

    internal static readonly TimeSpan DefaultIdleTimeout = TimeSpan.FromMinutes(10);
}
