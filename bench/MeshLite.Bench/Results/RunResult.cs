using MeshLite.Bench.Cases;

namespace MeshLite.Bench.Results;

/// <summary>out/bench/results.json.</summary>
internal sealed record RunResult
{
    public required Machine Machine { get; init; }

    /// <summary>UTC.</summary>
    public required DateTimeOffset Date { get; init; }

    public required int RoundSeconds { get; init; }

    public required int Rounds { get; init; }

    public required IReadOnlyList<CaseResult> Cases { get; init; }

    /// <summary>By pair; null: not measured.</summary>
    public IReadOnlyDictionary<string, MemoryResult>? Memory { get; init; }
}

/// <summary>One load, and each pair under it.</summary>
internal sealed record CaseResult
{
    public required string Name { get; init; }

    public required LoadShape Shape { get; init; }

    public required LoadProtocol Protocol { get; init; }

    public required int Connections { get; init; }

    public required int BodyBytes { get; init; }

    /// <summary>Requests a second; 0: as fast as they are answered.</summary>
    public required int Rate { get; init; }

    /// <summary>The load generator.</summary>
    public required string Load { get; init; }

    public required IReadOnlyDictionary<string, ProxyResult> Proxies { get; init; }
}

/// <summary>RssAnon of the larger proxy of a pair, in MB (10^6).</summary>
internal sealed record MemoryResult
{
    public required Spread IdleMb { get; init; }

    public required Spread At1000PerSecondMb { get; init; }

    public required Spread FullLoadMb { get; init; }
}
