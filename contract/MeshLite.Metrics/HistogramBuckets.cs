namespace MeshLite.Metrics;

/// <summary>Bucket bounds shared by families, so that their quantiles compare.</summary>
public static class HistogramBuckets
{
    /// <summary>Seconds, 0.5 ms to 60 s.</summary>
    public static ReadOnlyMemory<double> Durations { get; } =
        new[] { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60 };

    /// <summary>Bytes, 64 B to 64 MiB in powers of four.</summary>
    public static ReadOnlyMemory<double> Sizes { get; } =
        new double[] { 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864 };

    /// <summary>Checks and copies: finite, strictly ascending, at least one.</summary>
    internal static double[] Checked(ReadOnlyMemory<double> bounds)
    {
        var copy = bounds.ToArray();
        if (copy.Length == 0)
        {
            throw new ArgumentException("A histogram needs at least one bucket bound.", nameof(bounds));
        }

        for (var i = 0; i < copy.Length; i++)
        {
            if (!double.IsFinite(copy[i]) || (i > 0 && copy[i] <= copy[i - 1]))
            {
                throw new ArgumentException("Bucket bounds must be finite and strictly ascending.", nameof(bounds));
            }
        }

        return copy;
    }
}
