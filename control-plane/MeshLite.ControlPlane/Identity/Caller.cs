using MeshLite.Model;

namespace MeshLite.ControlPlane.Identity;

/// <summary>Who is at the other end of a connection, proved by its certificate in the handshake. Immutable.</summary>
/// <param name="Id">The identity.</param>
/// <param name="ExpiresAt">End of the proof; a stream must not outlive it.</param>
public sealed record Caller(SpiffeId Id, DateTimeOffset ExpiresAt)
{
    /// <summary>When its certificate begins.</summary>
    public DateTimeOffset BeginsAt { get; init; }
}
