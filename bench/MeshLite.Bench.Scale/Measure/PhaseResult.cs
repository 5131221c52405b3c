namespace MeshLite.Bench.Scale.Measure;

/// <summary>One phase of one run. Serialised as it stands into scale.json.</summary>
internal sealed record PhaseResult
{
    public required string Name { get; init; }

    public required ControlPlaneFigures ControlPlane { get; init; }

    /// <summary>Changes made.</summary>
    public int Changes { get; init; }

    /// <summary>From storing a change to sending the acknowledgement, each change and each subscriber; null: no changes.</summary>
    public LatencyFigures? ChangeToAck { get; init; }

    /// <summary>Acknowledgements that never came, within <see cref="Phases.Phase.Patience"/> of the last change.</summary>
    public long Missing { get; init; }

    /// <summary>From opening a connection to acknowledging all that was asked for; null: nobody connected.</summary>
    public LatencyFigures? Connect { get; init; }
}

/// <summary>One run: so many sidecars, all phases.</summary>
internal sealed record ScaleResult
{
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
}
