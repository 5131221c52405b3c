namespace MeshLite.Bench.Results;

/// <summary>Latencies of one run, sorted. Immutable.</summary>
internal sealed class Latencies
{
    private readonly TimeSpan[] _sorted;

    public Latencies(IEnumerable<TimeSpan> values) => _sorted = [.. values.Order()];

    public int Count => _sorted.Length;

    /// <summary>
    /// The smallest value that is not less than <paramref name="percent"/> of all (nearest rank,
    /// https://en.wikipedia.org/wiki/Percentile#The_nearest-rank_method); zero where there is none.
    /// </summary>
    /// <param name="percent"><value>Above 0, to 100.</value></param>
    public TimeSpan Percentile(double percent)
    {
        // 99.9 is no binary fraction: without the correction the rank of 1,000 values would be 1,000 instead of 999.
        var rank = (int)Math.Ceiling((percent / 100 * _sorted.Length) - 1e-9);
        return _sorted.Length == 0 ? TimeSpan.Zero : _sorted[Math.Clamp(rank, 1, _sorted.Length) - 1];
    }
}
