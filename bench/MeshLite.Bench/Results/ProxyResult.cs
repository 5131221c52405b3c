using MeshLite.Bench.Cases;

namespace MeshLite.Bench.Results;

/// <summary>One pair in one case: medians over its rounds, and the rounds. Serialised as it stands into results.json.</summary>
internal sealed record ProxyResult
{
    public required double CpuMicrosPerRequest { get; init; }

    public required double RequestsPerSecond { get; init; }

    public required double P50Ms { get; init; }

    public required double P99Ms { get; init; }

    /// <summary>Null: the load generator does not tell.</summary>
    public required double? P999Ms { get; init; }

    public required double PrivateMb { get; init; }

    /// <summary>Lowest and highest CPU per request of its rounds.</summary>
    public required IReadOnlyList<double> CpuMicrosPerRequestSpread { get; init; }

    /// <summary>Lowest and highest 99th percentile of its rounds.</summary>
    public required IReadOnlyList<double> P99MsSpread { get; init; }

    /// <summary>Lowest and highest requests/s of its rounds.</summary>
    public required IReadOnlyList<double> RequestsPerSecondSpread { get; init; }

    /// <summary>What stands between the ends, and the workers.</summary>
    public required string Description { get; init; }

    public required WarmUp WarmUp { get; init; }

    public required IReadOnlyList<Round> Rounds { get; init; }

    public static ProxyResult Of(string description, WarmUp warmUp, IReadOnlyList<Round> rounds)
    {
        var (cpu, rate, p99) = (Spread.Of(rounds.Select(r => r.CpuMicrosPerRequest)), Spread.Of(rounds.Select(r => r.RequestsPerSecond)), Spread.Of(rounds.Select(r => r.P99Ms)));
        return new ProxyResult
        {
            CpuMicrosPerRequest = cpu.Median,
            RequestsPerSecond = rate.Median,
            P50Ms = Spread.Of(rounds.Select(r => r.P50Ms)).Median,
            P99Ms = p99.Median,
            P999Ms = rounds.Any(r => r.P999Ms is null) ? null : Spread.Of(rounds.Select(r => r.P999Ms!.Value)).Median,
            PrivateMb = Spread.Of(rounds.Select(r => r.PrivateMb)).Median,
            CpuMicrosPerRequestSpread = [cpu.Lowest, cpu.Highest],
            P99MsSpread = [p99.Lowest, p99.Highest],
            RequestsPerSecondSpread = [rate.Lowest, rate.Highest],
            Description = description,
            WarmUp = warmUp,
            Rounds = rounds,
        };
    }
}
