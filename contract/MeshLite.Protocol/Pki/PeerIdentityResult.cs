using MeshLite.Model;

namespace MeshLite.Protocol.Pki;

/// <summary>
/// What a peer's certificate proved: an identity, valid until <see cref="ExpiresAt"/>, or the reason it proved none.
/// </summary>
public readonly record struct PeerIdentityResult
{
    private PeerIdentityResult(SpiffeId? id, DateTimeOffset expiresAt, string root, PeerFailure failure)
    {
        Id = id;
        ExpiresAt = expiresAt;
        Root = root;
        Failure = failure;
    }

    /// <summary>Who the peer is; null where it failed.</summary>
    public SpiffeId? Id { get; }

    /// <summary>End of the proof: the earliest expiry along the chain, the root included. No connection should outlive it.</summary>
    public DateTimeOffset ExpiresAt { get; }

    /// <summary>SHA-256 of the root that vouches for it, in hexadecimal; the proof ends when that is believed no more.</summary>
    public string Root { get; }

    /// <summary>Why there is no identity.</summary>
    public PeerFailure Failure { get; }

    /// <summary>A verified identity.</summary>
    public static PeerIdentityResult Verified(SpiffeId id, DateTimeOffset expiresAt, string root) => new(id, expiresAt, root, PeerFailure.None);

    /// <summary>A refusal.</summary>
    public static PeerIdentityResult Refused(PeerFailure failure) => new(null, default, "", failure);
}

/// <summary>Why a peer's certificate was refused. The names, in snake case, are the label <c>reason</c> of the handshake metric.</summary>
public enum PeerFailure
{
    /// <summary>It was not.</summary>
    None,

    /// <summary>No certificate was presented.</summary>
    NoCertificate,

    /// <summary>Past its notAfter.</summary>
    Expired,

    /// <summary>Before its notBefore: the clocks disagree by more than <see cref="SvidProfile.Backdate"/>.</summary>
    NotYetValid,

    /// <summary>No root of the bundle signed it, or the root itself is out of date.</summary>
    UnknownAuthority,

    /// <summary>Signed by our root, but not as a workload's certificate must be: a CA certificate, wrong key usage, malformed.</summary>
    InvalidCertificate,

    /// <summary>Its extended key usage does not cover the role (client or server) it was presented in.</summary>
    WrongUsage,

    /// <summary>Not exactly one URI SAN of the form of a SPIFFE ID.</summary>
    NoSpiffeId,

    /// <summary>A SPIFFE ID of another trust domain.</summary>
    WrongTrustDomain,

    /// <summary>A good certificate, but of somebody else than the endpoint meant.</summary>
    ServerNotExpected,

    /// <summary>The control plane's certificate does not name the host it was reached at.</summary>
    WrongHost,
}

/// <summary>Texts for <see cref="PeerFailure"/>.</summary>
public static class PeerFailures
{
    /// <summary>The value of a metric's <c>reason</c> label; empty for <see cref="PeerFailure.None"/>.</summary>
    public static string ToLabel(this PeerFailure failure) => failure switch
    {
        PeerFailure.None => "",
        PeerFailure.NoCertificate => "no_certificate",
        PeerFailure.Expired => "expired",
        PeerFailure.NotYetValid => "not_yet_valid",
        PeerFailure.UnknownAuthority => "unknown_authority",
        PeerFailure.InvalidCertificate => "invalid_certificate",
        PeerFailure.WrongUsage => "wrong_usage",
        PeerFailure.NoSpiffeId => "no_spiffe_id",
        PeerFailure.WrongTrustDomain => "wrong_trust_domain",
        PeerFailure.ServerNotExpected => "server_not_expected",
        PeerFailure.WrongHost => "wrong_host",
        _ => throw new ArgumentOutOfRangeException(nameof(failure)),
    };

    /// <summary>A plain sentence without subject: "the peer's certificate " + this.</summary>
    public static string ToSentence(this PeerFailure failure) => failure switch
    {
        PeerFailure.None => "is good",
        PeerFailure.NoCertificate => "is missing",
        PeerFailure.Expired => "has expired",
        PeerFailure.NotYetValid => "is not valid yet (do the clocks agree?)",
        PeerFailure.UnknownAuthority => "is not signed by a root of the trust bundle",
        PeerFailure.InvalidCertificate => "is not a workload's certificate",
        PeerFailure.WrongUsage => "is not for this use",
        PeerFailure.NoSpiffeId => "does not hold exactly one SPIFFE ID",
        PeerFailure.WrongTrustDomain => "belongs to another trust domain",
        PeerFailure.ServerNotExpected => "belongs to another workload than the one called",
        PeerFailure.WrongHost => "does not name the host called",
        _ => throw new ArgumentOutOfRangeException(nameof(failure)),
    };
}
