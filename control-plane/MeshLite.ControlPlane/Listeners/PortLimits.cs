namespace MeshLite.ControlPlane.Listeners;

/// <summary>
/// What one port takes. Callers that have proved nothing have a budget of their own, of which no address may have more than a share: whoever
/// reaches the port may use that up, and sidecars are served all the same. Immutable.
/// </summary>
internal sealed record PortLimits
{
    /// <summary>15012. A new workload needs two seconds without a certificate, for one call.</summary>
    public static PortLimits Grpc { get; } = new() { MaxProven = 20_000, MaxUnproven = 4_000, MaxUnprovenOfOne = 1_000, UnprovenLife = TimeSpan.FromSeconds(30) };

    /// <summary>15017, and 15014: whose callers show no certificates. API servers keep one connection, or few.</summary>
    public static PortLimits Operators { get; } = new() { MaxUnproven = 1_000, MaxUnprovenOfOne = 250 };

    /// <value>Connections whose caller showed a certificate of the mesh. 15012: 20,000, twice the sidecars one replica is made for.</value>
    public int MaxProven { get; init; }

    /// <value>Connections of all others, those in their handshake among them. 15012: 4,000; 15017, 15014: 1,000.</value>
    public required int MaxUnproven { get; init; }

    /// <value>Of these, of one address. A quarter.</value>
    public required int MaxUnprovenOfOne { get; init; }

    /// <value>How long a connection may live without a certificate, from its begin: handshake, preface and one Certify, none of which takes longer than 10 s. 15012: 30 s; null: as long as it likes.</value>
    public TimeSpan? UnprovenLife { get; init; }
}

/// <summary>Of each port. Immutable; replaced by tests.</summary>
internal sealed record ControlPlanePorts
{
    /// <summary>15012.</summary>
    public PortLimits Grpc { get; init; } = PortLimits.Grpc;

    /// <summary>15017.</summary>
    public PortLimits Webhook { get; init; } = PortLimits.Operators;

    /// <summary>15014.</summary>
    public PortLimits Telemetry { get; init; } = PortLimits.Operators;
}
