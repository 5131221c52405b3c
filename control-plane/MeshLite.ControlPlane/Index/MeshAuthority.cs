using System.Collections.Immutable;

namespace MeshLite.ControlPlane.Index;

/// <summary>What sidecars are told of the authority. Immutable.</summary>
/// <param name="Roots">All to trust, DER.</param>
/// <param name="BundleId">Tells one set of roots from another.</param>
/// <param name="SigningKeyId">Which key signs: a certificate of another is to be renewed. Empty: nobody says.</param>
public sealed record MeshAuthority(ImmutableArray<ReadOnlyMemory<byte>> Roots, string BundleId, ReadOnlyMemory<byte> SigningKeyId)
{
    /// <summary>Not known yet: no roots.</summary>
    public static MeshAuthority Unknown { get; } = new([], "", default);
}
