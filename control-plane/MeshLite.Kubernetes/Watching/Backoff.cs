namespace MeshLite.Kubernetes.Watching;

/// <summary>Waits after failures in a row: the first, doubled with each, each with up to half of it more, so that replicas spread. Not thread-safe.</summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max, Random random)
{
    private const double Jitter = 0.5;

    /// <summary>Failures in a row.</summary>
    public int Failures { get; private set; }

    /// <summary>Something went well.</summary>
    public void Reset() => Failures = 0;

    /// <summary>Wait after one more failure, between <c>min</c> and <c>max</c>; at least <paramref name="atLeast"/>.</summary>
    public TimeSpan Next(TimeSpan? atLeast = null)
    {
        // 2^30 doublings of anything are past any max, and still far from overflow.
        var grown = min * Math.Pow(2, Math.Min(Failures++, 30));
        var capped = TimeSpan.FromTicks(Math.Min(grown.Ticks, (long)(max.Ticks / (1 + Jitter))));
        var wait = capped * (1 + (Jitter * random.NextDouble()));
        return atLeast > wait ? atLeast.Value : wait;
    }
}
