namespace MeshLite.Bench.Results;

/// <summary>One pair in one case: medians over its rounds. Serialised as it stands into results.json.</summary>
internal sealed record ProxyResult
{
    public required double CpuMicrosPerRequest { get; init; }

    public required double RequestsPerSecond { get; init; }

    public required double P50Ms { get; init; }

    public required double P99Ms { get; init; }

    public required double PrivateMb { get; init; }

    /// <summary>Lowest and highest CPU per request of its rounds.</summary>
    public required IReadOnlyList<double> CpuMicrosPerRequestSpread { get; init; }

    /// <summary>What stands between the ends, and the workers.</summary>
    public required string Description { get; init; }

    public static ProxyResult Of(string description, IReadOnlyList<Round> rounds) => new()
    {
        CpuMicrosPerRequest = Median(rounds, r => r.CpuMicrosPerRequest),
        RequestsPerSecond = Median(rounds, r => r.RequestsPerSecond),
        P50Ms = Median(rounds, r => r.P50Ms),
        P99Ms = Median(rounds, r => r.P99Ms),
        PrivateMb = Median(rounds, r => r.PrivateMb),
        CpuMicrosPerRequestSpread = [Rounded(rounds.Min(r => r.CpuMicrosPerRequest)), Rounded(rounds.Max(r => r.CpuMicrosPerRequest))],
        Description = description,
    };

    private static double Median(IReadOnlyList<Round> rounds, Func<Round, double> value)
    {
        var sorted = rounds.Select(value).Order().ToArray();
        var middle = sorted.Length / 2;
        return Rounded(sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2);
    }

    private static double Rounded(double value) => Math.Round(value, 2);
}
