namespace MeshLite.Metrics;

/// <summary>
/// Observations counted by size. Like <see cref="CounterSeries"/>, it is never reset while anybody holds it, it is
/// lock-free, and it splits into one set of cells per core at the first collision of two threads.
/// </summary>
public sealed class HistogramSeries : Series
{
    private readonly double[] _bounds;
    private readonly Cells _first;
    private Cells?[]? _stripes;
    private Exemplar?[]? _exemplars;

    internal HistogramSeries(ISeriesOwner owner, double[] bounds, string[] labelValues)
        : base(owner, labelValues)
    {
        _bounds = bounds;
        _first = new Cells(bounds.Length + 1);
    }

    /// <summary>Counts one observation, in the unit of the family's name. NaN is not a size and is ignored. Allocates nothing.</summary>
    public void Observe(double value) => Observe(value, default);

    /// <summary>As above; where the observation has a span, its bucket remembers that (the last one) for OpenMetrics.</summary>
    public void Observe(double value, TraceExemplar trace)
    {
        if (double.IsNaN(value))
        {
            return;
        }

        // Bounds are inclusive ("le"). Most durations are short and there are few bounds, so the search runs from below.
        var bounds = _bounds;
        var bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket])
        {
            bucket++;
        }

        var cells = _stripes is { } stripes ? Stripe(stripes) : _first;
        Interlocked.Increment(ref cells.Counts[bucket]);
        if (!InterlockedDouble.Add(ref cells.Sum, value) && _stripes is null)
        {
            Interlocked.CompareExchange(ref _stripes, new Cells?[StripedCounter.StripeCount], null);
        }

        if (!trace.IsEmpty)
        {
            // After the count: who sees the exemplar sees a bucket that is not empty.
            var exemplars = _exemplars ?? Interlocked.CompareExchange(ref _exemplars, new Exemplar?[bounds.Length + 1], null) ?? _exemplars!;
            Volatile.Write(ref exemplars[bucket], new Exemplar(trace, value, UtcNow));
        }

        Touch();
    }

    /// <summary>The last exemplars by bucket; null: there never was one. To be read before the buckets.</summary>
    internal Exemplar?[]? CopyExemplars() => (Exemplar?[]?)Volatile.Read(ref _exemplars)?.Clone();

    /// <summary>
    /// Adds the buckets (not cumulative) into <paramref name="buckets"/> and returns the sum. An observation under way may
    /// stand in a bucket and not yet in the sum; nothing is ever seen to fall.
    /// </summary>
    internal double Read(Span<long> buckets)
    {
        buckets.Clear();
        var sum = _first.AddTo(buckets);
        if (Volatile.Read(ref _stripes) is { } stripes)
        {
            for (var i = 0; i < stripes.Length; i++)
            {
                sum += Volatile.Read(ref stripes[i])?.AddTo(buckets) ?? 0;
            }
        }

        return sum;
    }

    private Cells Stripe(Cells?[] stripes)
    {
        ref var slot = ref stripes[Thread.GetCurrentProcessorId() & (StripedCounter.StripeCount - 1)];
        return slot ?? Interlocked.CompareExchange(ref slot, new Cells(_bounds.Length + 1), null) ?? slot!;
    }

    private sealed class Cells(int buckets)
    {
        // Eight words more than used, so that the neighbour on the heap is not on the same cache line.
        public readonly long[] Counts = new long[buckets + 8];

        public double Sum;

        public double AddTo(Span<long> buckets)
        {
            for (var i = 0; i < buckets.Length; i++)
            {
                buckets[i] += Volatile.Read(ref Counts[i]);
            }

            return Volatile.Read(ref Sum);
        }
    }
}
