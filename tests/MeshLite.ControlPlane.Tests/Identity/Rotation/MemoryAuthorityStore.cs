using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;

namespace MeshLite.ControlPlane.Tests.Identity.Rotation;

/// <summary>A store that a test offers to, several keepers may share it as replicas share a Secret.</summary>
internal sealed class MemoryAuthorityStore : IAuthorityStore
{
    public string Origin => "memory";

    public AuthorityOffer? Offer { get; set; }

    public AuthorityRecord? Record { get; set; }

    /// <summary>Every record saved.</summary>
    public List<AuthorityRecord> Saved { get; } = [];

    /// <summary>Somebody else writes in between, so many times.</summary>
    public int Conflicts { get; set; }

    /// <summary>Nothing can be read or written.</summary>
    public bool IsAway { get; set; }

    public string? Owner { get; set; }

    public void Put(AuthorityPart part) => Offer = new AuthorityOffer(part.Key, "ca.key", part.Certificates, "ca.pem");

    public ValueTask<StoredAuthority> ReadAsync(CancellationToken cancellationToken) =>
        IsAway ? throw new AuthorityStoreException("away") : ValueTask.FromResult(new StoredAuthority(Offer, Record, Record ?? (object)""));

    public ValueTask<bool> TrySaveAsync(StoredAuthority read, AuthorityRecord next, CancellationToken cancellationToken)
    {
        if (IsAway)
        {
            throw new AuthorityStoreException("away");
        }

        if (Conflicts-- > 0 || !ReferenceEquals(read.Record, Record))
        {
            return ValueTask.FromResult(false);
        }

        if (next.IsMirrorDue)
        {
            Put(next.Mirror);
            next = next with { IsMirrorDue = false };
        }

        // As it would come back from where it is kept.
        Record = AuthorityJson.Read(AuthorityJson.Write(next), "memory");
        Saved.Add(Record);
        return ValueTask.FromResult(true);
    }

    public Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken) => throw new NotSupportedException("tests look themselves");

    public bool Mirrors(RotationOrigin origin) => true;

    public string? ForeignOwner(StoredAuthority read) => Owner;
}
