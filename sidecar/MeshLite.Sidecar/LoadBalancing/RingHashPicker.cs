namespace MeshLite.Sidecar.LoadBalancing;

/// <summary>
/// Consistent hashing (D. Karger et al., "Consistent Hashing and Random Trees", STOC 1997): each endpoint has points on a ring
/// of 64-bit words, and a key belongs to the next point. When one of n endpoints goes, only its keys move, to all others.
/// 160 points an endpoint and unit of weight, as in libketama: shares are right to about 8 % (1/√160). Points are made from the endpoint's address
/// alone, so that all sidecars agree. Endpoints that are out or have been tried are passed over: the key walks on to the
/// next. A key probes only its own endpoint, so that no request goes astray for it. Without a key: any, by weight.
/// There is no slow start here: it would take keys away from an endpoint and give them back.
/// The ring is built with the picker, at most 65,536 points; beyond, each endpoint has half as many, and so on.
/// </summary>
internal sealed class RingHashPicker<TEndpoint> : EndpointPicker<TEndpoint>
    where TEndpoint : class, ILoadBalanced
{
    private const int PointsPerWeight = 160;
    private const int MaxPoints = 65_536;

    private readonly ulong[] _points;
    private readonly int[] _owners;

    public RingHashPicker(TEndpoint[] endpoints, Random random)
        : base(endpoints, random, slowStart: null)
    {
        var wanted = endpoints.Sum(endpoint => (long)endpoint.Weight) * PointsPerWeight;
        var halvings = 0;
        while (wanted >> halvings > MaxPoints)
        {
            halvings++;
        }

        var points = new List<ulong>((int)(wanted >> halvings) + endpoints.Length);
        var owners = new List<int>(points.Capacity);
        for (var i = 0; i < endpoints.Length; i++)
        {
            var count = Math.Max(((long)endpoints[i].Weight * PointsPerWeight) >> halvings, 1);
            for (var point = 0L; point < count; point++)
            {
                points.Add(PointOf(endpoints[i].HashId, (ulong)point));
                owners.Add(i);
            }
        }

        _points = [.. points];
        _owners = [.. owners];
        Array.Sort(_points, _owners);
    }

    private protected override TEndpoint PickOne(ReadOnlySpan<int> among, bool isRetry, ulong? key)
    {
        if (key is not { } hash)
        {
            return At(DrawByWeight(among), among);
        }

        var i = NextPoint(hash);
        while (!among.IsEmpty && among.BinarySearch<int, int>(_owners[i]) < 0)
        {
            i = i + 1 < _points.Length ? i + 1 : 0;
        }

        return Endpoints[_owners[i]];
    }

    private protected override TEndpoint? FindProbe(in ExcludedEndpoints excluded, ulong? key)
    {
        if (key is not { } hash || Endpoints.Length == 0)
        {
            return base.FindProbe(in excluded, key);
        }

        var own = Endpoints[_owners[NextPoint(hash)]];
        return own.IsOut && !excluded.Contains(own) && own.TryProbe() ? own : null;
    }

    /// <summary>
    /// The endpoint's own sequence of words: a counter in steps of the golden ratio, mixed (G. Steele, D. Lea, C. Flood,
    /// "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
    /// </summary>
    private static ulong PointOf(ulong id, ulong point) => StableHash.Mix(unchecked(id + ((point + 1) * 0x9E3779B97F4A7C15)));

    private int NextPoint(ulong hash)
    {
        var found = Array.BinarySearch(_points, hash);
        var next = found < 0 ? ~found : found;
        return next < _points.Length ? next : 0;
    }
}
