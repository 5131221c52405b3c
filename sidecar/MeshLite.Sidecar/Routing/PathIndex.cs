using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// Finds the first match of a long list without running all of them: exact paths and prefixes are looked up, only
/// expressions and matches without path are tried one by one. Each bucket holds positions in the list, ascending; of the
/// candidates the smallest position wins, so precedence is that of the list. Immutable.
/// </summary>
internal sealed class PathIndex
{
    private readonly RouteMatchModel[] _matches;
    private readonly Dictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _exact;
    private readonly Dictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> _prefixes;
    private readonly int[] _prefixLengths;
    private readonly int[] _others;

    public PathIndex(RouteMatchModel[] matches)
    {
        var exact = new Dictionary<string, List<int>>();
        var prefixes = new Dictionary<string, List<int>>();
        var others = new List<int>();
        for (var i = 0; i < matches.Length; i++)
        {
            var list = matches[i].Path switch
            {
                { Type: PathMatchType.Exact } path => Bucket(exact, path.Value),
                { Type: PathMatchType.PathPrefix } path => Bucket(prefixes, path.Value),
                _ => others,
            };
            list.Add(i);
        }

        var lengths = new SortedSet<int>();
        foreach (var prefix in prefixes.Keys)
        {
            lengths.Add(prefix.Length);
        }

        _matches = matches;
        _exact = Freeze(exact);
        _prefixes = Freeze(prefixes);
        _prefixLengths = [.. lengths.Reverse()];
        _others = [.. others];
    }

    /// <summary>Position of the first match, or -1.</summary>
    public int Find(in RequestHead head)
    {
        var path = head.Path;
        var best = int.MaxValue;
        if (_exact.TryGetValue(path, out var bucket))
        {
            Try(bucket, in head, ref best);
        }

        // Only lengths that some prefix has are looked up: the work is bounded by the configuration, not by the caller's path.
        foreach (var length in _prefixLengths)
        {
            if (length <= path.Length && (length == 0 || length == path.Length || path[length] == '/') && _prefixes.TryGetValue(path[..length], out bucket))
            {
                Try(bucket, in head, ref best);
            }
        }

        foreach (var position in _others)
        {
            if (position >= best)
            {
                break;
            }

            if (_matches[position].Matches(in head))
            {
                best = position;
            }
        }

        return best == int.MaxValue ? -1 : best;
    }

    private void Try(int[] bucket, in RequestHead head, ref int best)
    {
        foreach (var position in bucket)
        {
            if (position >= best)
            {
                return;
            }

            if (_matches[position].MatchesBesidesPath(in head))
            {
                best = position;
            }
        }
    }

    private static List<int> Bucket(Dictionary<string, List<int>> buckets, string path)
    {
        if (!buckets.TryGetValue(path, out var bucket))
        {
            buckets.Add(path, bucket = []);
        }

        return bucket;
    }

    private static Dictionary<string, int[]>.AlternateLookup<ReadOnlySpan<char>> Freeze(Dictionary<string, List<int>> buckets)
    {
        var frozen = new Dictionary<string, int[]>(buckets.Count, StringComparer.Ordinal);
        foreach (var (path, positions) in buckets)
        {
            frozen.Add(path, [.. positions]);
        }

        return frozen.GetAlternateLookup<ReadOnlySpan<char>>();
    }
}
