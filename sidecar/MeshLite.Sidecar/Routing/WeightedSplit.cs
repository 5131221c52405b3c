using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Divides requests among weighted backends, exactly over time and evenly over short stretches: request n falls on the
/// fraction n/φ mod 1 (from a random start), and the backend whose share of [0,1) holds it is chosen. Multiples of the
/// golden ratio are the most evenly spread of all such sequences (H. Niederreiter, "Random Number Generation and
/// Quasi-Monte Carlo Methods", 1992, §3.1; as "Fibonacci hashing" in D. Knuth, TAOCP 3, §6.4): n requests miss a
/// backend's share by a few requests only, growing with log n, where independent random choices miss it by √n. Smooth
/// weighted round robin would be as exact, but it is periodic: callers that alternate between two kinds of request in
/// the same rhythm would send each kind to one backend only.
/// Lock-free: one interlocked addition a request. Immutable but for that word.
/// </summary>
internal sealed class WeightedSplit
{
    // 2^64/φ, odd: the addition runs through all 64-bit words before one comes again.
    private const ulong GoldenStep = 0x9E3779B97F4A7C15;

    private readonly int[] _backends;
    private readonly ulong[] _cumulative;
    private readonly ulong _total;
    private ulong _position;

    /// <summary>Backends with a weight of 0 or less are never chosen. The random start keeps many sidecars out of step.</summary>
    public WeightedSplit(ImmutableArray<WeightedBackendConfig> backends, Random random)
    {
        var chosen = new List<int>(backends.Length);
        var cumulative = new List<ulong>(backends.Length);
        foreach (var (backend, weight) in backends)
        {
            if (weight > 0)
            {
                _total += (ulong)weight;
                chosen.Add(backend);
                cumulative.Add(_total);
            }
        }

        _backends = [.. chosen];
        _cumulative = [.. cumulative];
        _position = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
    }

    /// <summary>Whether there is a backend to choose.</summary>
    public bool IsEmpty => _backends.Length == 0;

    /// <summary>Index into <see cref="DestinationConfig.Backends"/>, or -1 where no backend has a weight.</summary>
    public int Next() => _backends.Length > 1 ? Next(out _) : At(0);

    /// <summary>The same, with the point that was drawn: whoever comes back with it gets the same backend.</summary>
    public int Next(out ulong point)
    {
        point = Interlocked.Add(ref _position, GoldenStep);
        return At(point);
    }

    /// <summary>
    /// The backend whose share holds a point of [0, 2^64). Backends divide that range in the order they are configured in:
    /// when weights change, 95:5 to 90:10 say, only the points between the old border and the new change sides.
    /// </summary>
    public int At(ulong point)
    {
        if (_backends.Length <= 1)
        {
            return _backends.Length == 0 ? -1 : _backends[0];
        }

        // The fraction of 2^64, scaled to [0, total) without rounding a share away.
        var scaled = Math.BigMul(point, _total, out _);
        var i = 0;
        while (scaled >= _cumulative[i])
        {
            i++;
        }

        return _backends[i];
    }
}
