namespace MeshLite.Bench.Results;

/// <summary>What is said of several rounds.</summary>
internal static class Statistics
{
    /// <summary>The middle one; of an even number the mean of both in the middle.</summary>
    public static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

/// <summary>Median, lowest and highest of several rounds.</summary>
internal readonly record struct Spread(double Median, double Lowest, double Highest)
{
    public static Spread Of(IEnumerable<double> values)
    {
        var all = values.ToArray();
        return new Spread(Rounded(Statistics.Median(all)), Rounded(all.Min()), Rounded(all.Max()));
    }

    private static double Rounded(double value) => Math.Round(value, 3);
}
