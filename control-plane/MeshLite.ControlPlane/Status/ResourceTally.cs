using MeshLite.ControlPlane.Resources;

namespace MeshLite.ControlPlane.Status;

/// <summary>How far one version of a resource has come among the sidecars of one replica. Immutable.</summary>
/// <param name="Key">Which.</param>
/// <param name="Generation">The version in force there (<c>metadata.generation</c>).</param>
/// <param name="CreatedAt">Tells it from an earlier one of that name (Unix seconds).</param>
/// <param name="Sidecars">Sidecars that have something which rests on it.</param>
/// <param name="Current">Those of them that hold the newest of it all.</param>
/// <param name="Refused">Those that refused some of it.</param>
/// <param name="Reason">Why, as one of them says it; empty: none did.</param>
internal sealed record ResourceTally(ResourceKey Key, long Generation, long CreatedAt, int Sidecars, int Current, int Refused, string Reason)
{
    /// <summary>Longest <see cref="Reason"/> kept. <value>512 characters.</value></summary>
    public const int MaxReason = 512;
}
