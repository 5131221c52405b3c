namespace MeshLite.Bench.Results;

/// <summary>out/bench/scale.json.</summary>
internal sealed record ScaleRuns(Machine Machine, DateTimeOffset Date, IReadOnlyList<ScaleResult> Runs);

/// <summary>One phase of one run. Serialised as it stands into scale.json.</summary>
internal sealed record PhaseResult
{
    public required string Name { get; init; }

    public required ControlPlaneFigures ControlPlane { get; init; }

    /// <summary>Changes made.</summary>
    public int Changes { get; init; }

    /// <summary>From storing a change to sending the acknowledgement, each change and each subscriber; null: no changes.</summary>
    public LatencyFigures? ChangeToAck { get; init; }

    /// <summary>Acknowledgements that never came, though waited for.</summary>
    public long Missing { get; init; }

    /// <summary>From opening a connection to acknowledging all that was asked for; null: nobody connected.</summary>
    public LatencyFigures? Connect { get; init; }
}

/// <summary>One run: so many sidecars, all phases.</summary>
internal sealed record ScaleResult
{
    /// <summary>Names of phases that others look for.</summary>
    public const string EndpointChanges = "endpoint changes";

    /// <inheritdoc cref="EndpointChanges"/>
    public const string Idle = "idle";

    public required int Sidecars { get; init; }

    /// <summary>Beside them, never acknowledging.</summary>
    public required int Stuck { get; init; }

    public required int Services { get; init; }

    public required int Endpoints { get; init; }

    /// <summary>From starting the control plane to its being ready, having listed the cluster.</summary>
    public required double StartSeconds { get; init; }

    public required IReadOnlyList<PhaseResult> Phases { get; init; }

    /// <summary>Streams of sidecars that acknowledge, and that ended all the same, by reason.</summary>
    public required IReadOnlyDictionary<string, int> StreamFailures { get; init; }

    /// <summary>The most memory of any phase.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public double PeakMb => Phases.Max(p => p.ControlPlane.PeakMb);

    /// <summary>The phase of that name.</summary>
    public PhaseResult? Find(string phase) => Phases.FirstOrDefault(p => p.Name == phase);
}

/// <summary>What a phase cost the control plane.</summary>
/// <param name="CpuSeconds">User and system time.</param>
/// <param name="SimulatorCpuSeconds">The same of this process, which shares the machine: where it is the larger, latencies are its own.</param>
/// <param name="Seconds">How long the phase took.</param>
/// <param name="PrivateMb">RssAnon at its end, MB (10^6).</param>
/// <param name="PeakMb">The most seen, twice a second.</param>
/// <param name="HeapMb">Of the managed heap after the last collection.</param>
/// <param name="PauseSeconds">In which collections let nothing else run.</param>
/// <param name="Updates">Sent to sidecars.</param>
/// <param name="Bytes">Of resources in them.</param>
internal sealed record ControlPlaneFigures(double CpuSeconds, double SimulatorCpuSeconds, double Seconds, double PrivateMb, double PeakMb, double HeapMb, double PauseSeconds, long Updates, long Bytes);

/// <summary>What is said of many latencies.</summary>
internal sealed record LatencyFigures(int Count, double P50Ms, double P99Ms, double MaxMs);
