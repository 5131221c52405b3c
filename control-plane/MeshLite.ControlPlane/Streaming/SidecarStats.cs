using System.Collections.Immutable;
using System.Net;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Streaming;

/// <summary>What a sidecar counted, as it said last. Immutable; read from its message, of which nothing that is wrong is kept.</summary>
/// <param name="ClockOffset">Its clock less ours, milliseconds.</param>
/// <param name="CountingSince">Unix seconds.</param>
/// <param name="Callers">At most <see cref="MaxCallers"/>.</param>
internal sealed record SidecarStats(long ClockOffset, long CountingSince, ImmutableArray<PlaintextCount> Callers)
{
    /// <value>Callers kept of each sidecar: with 10,000 sidecars some 25 MB if each has as many. 32.</value>
    public const int MaxCallers = 32;

    /// <summary>Reads a message that came at <paramref name="now"/>.</summary>
    public static SidecarStats Read(Stats stats, DateTimeOffset now) => new(
        stats.Clock == 0 ? 0 : stats.Clock - now.ToUnixTimeMilliseconds(), stats.CountingSince,
        [.. stats.PlaintextCallers.Take(MaxCallers).Select(Read).OfType<PlaintextCount>()]);

    private static PlaintextCount? Read(PlaintextCaller caller) => IPAddress.TryParse(caller.Address, out var address)
        ? new PlaintextCount(address, (long)Math.Min(caller.Connections, long.MaxValue), (long)Math.Min(caller.Refused, long.MaxValue), caller.Last)
        : null;
}

/// <summary>Connections of one address without mTLS.</summary>
/// <param name="Address">Whose.</param>
/// <param name="Connections">How many.</param>
/// <param name="Refused">How many of these were refused.</param>
/// <param name="Last">The newest, Unix seconds.</param>
internal sealed record PlaintextCount(IPAddress Address, long Connections, long Refused, long Last);
