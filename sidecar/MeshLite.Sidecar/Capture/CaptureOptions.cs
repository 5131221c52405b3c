using System.Collections.Immutable;

namespace MeshLite.Sidecar.Capture;

/// <summary>What is captured and where it goes. Immutable.</summary>
internal sealed record CaptureOptions
{
    /// <summary>The user the sidecar runs as: what it sends is never captured (design.md §6). <value>1337.</value></summary>
    public const int SidecarUid = 1337;

    /// <summary>Port of the sidecar that takes over what the pod's programs send.</summary>
    public required int OutboundPort { get; init; }

    /// <summary>Port of the sidecar that takes over what is sent to the pod.</summary>
    public required int InboundPort { get; init; }

    /// <summary>Metrics and probes: never captured inbound.</summary>
    public required int TelemetryPort { get; init; }

    /// <summary>Ports of this pod that are reached without the sidecar.</summary>
    public ImmutableArray<int> SkipInbound { get; init; } = [];

    /// <summary>Ports of others that are reached without the sidecar.</summary>
    public ImmutableArray<int> SkipOutbound { get; init; } = [];
}

/// <summary>What differs between the two families of rules.</summary>
/// <param name="Program">Name of the program, and the prefix of its <c>-save</c> and <c>-restore</c>.</param>
/// <param name="Loopback">All loopback addresses.</param>
/// <param name="Self">The one the sidecar calls its own pod from.</param>
internal sealed record CaptureFamily(string Program, string Loopback, string Self)
{
    /// <summary>IPv4.</summary>
    public static readonly CaptureFamily V4 = new("iptables", "127.0.0.0/8", "127.0.0.1/32");

    /// <summary>IPv6.</summary>
    public static readonly CaptureFamily V6 = new("ip6tables", "::1/128", "::1/128");
}
