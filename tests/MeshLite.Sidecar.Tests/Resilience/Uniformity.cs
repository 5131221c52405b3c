namespace MeshLite.Sidecar.Tests.Resilience;

/// <summary>Kolmogorov-Smirnov: how far a sample is from being uniform over [0, 1).</summary>
internal static class Uniformity
{
    /// <summary>
    /// Largest distance of the sample's distribution from the uniform one, times √n: above 1.95 for one uniform sample
    /// in a thousand (https://en.wikipedia.org/wiki/Kolmogorov–Smirnov_test).
    /// </summary>
    public static double Statistic(IEnumerable<double> sample)
    {
        var sorted = sample.Order().ToArray();
        var distance = sorted.Select((x, i) => Math.Max(Math.Abs(x - ((double)i / sorted.Length)), Math.Abs(((i + 1.0) / sorted.Length) - x))).Max();
        return distance * Math.Sqrt(sorted.Length);
    }
}
