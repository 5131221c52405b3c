using MeshLite.Model;
using MeshLite.Protocol.Pki;

namespace MeshLite.ControlPlane.Identity;

/// <summary>Who is at the other end of a connection, proved by its certificate in the handshake. Immutable.</summary>
/// <param name="Id">The identity.</param>
/// <param name="ExpiresAt">End of the proof; a stream must not outlive it.</param>
public sealed record Caller(SpiffeId Id, DateTimeOffset ExpiresAt)
{
    /// <summary>When its certificate begins.</summary>
    public DateTimeOffset BeginsAt { get; init; }
}

/// <summary>Why the certificate of a connection's caller was refused; a connection feature.</summary>
internal sealed record RefusedCertificate(PeerFailure Reason);
