namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>
/// Where the authority is offered and recorded: files (standalone), a Secret (cluster). Used by <see cref="AuthorityKeeper"/>, one call at a time but for
/// <see cref="WaitAsync"/>. What it throws is for this attempt only: <see cref="AuthorityStoreException"/>.
/// </summary>
internal interface IAuthorityStore
{
    /// <summary>What it is, for messages: a directory, <c>Secret namespace/name</c>.</summary>
    string Origin { get; }

    /// <summary>As it is now.</summary>
    ValueTask<StoredAuthority> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Records <paramref name="next"/>, and where it is due what it mirrors, unless something changed since <paramref name="read"/>: then false.</summary>
    ValueTask<bool> TrySaveAsync(StoredAuthority read, AuthorityRecord next, CancellationToken cancellationToken);

    /// <summary>Until something may have changed, or at most so long.</summary>
    Task WaitAsync(TimeSpan longest, CancellationToken cancellationToken);

    /// <summary>Whether what is offered follows a change that this one began.</summary>
    bool Mirrors(RotationOrigin origin);

    /// <summary>Why no command may rotate here; null: it may.</summary>
    string? ForeignOwner(StoredAuthority read);
}

/// <summary>What was read. <paramref name="Version"/> is the store's own.</summary>
internal sealed record StoredAuthority(AuthorityOffer? Offer, AuthorityRecord? Record, object Version);

/// <summary>PEM texts, and where each is from, for messages.</summary>
internal sealed record AuthorityOffer(string Key, string KeyOrigin, string Certificates, string CertificatesOrigin)
{
    /// <inheritdoc/>
    public override string ToString() => CertificatesOrigin;
}

/// <summary>It could not be read or written just now.</summary>
internal sealed class AuthorityStoreException(string message, Exception? inner = null) : Exception(message, inner);
