using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>Where a change of authority is.</summary>
internal enum RotationStep
{
    /// <summary>Nothing changes.</summary>
    Steady,

    /// <summary>The next root is published, the former signs.</summary>
    Overlap,

    /// <summary>The new one signs; roots that certificates may still stand on are published beside what it needs.</summary>
    Retire,
}

/// <summary>Who changes it.</summary>
internal enum RotationOrigin
{
    /// <summary>Files or Secret hold another authority.</summary>
    Offer,

    /// <summary><c>meshctl ca rotate</c>.</summary>
    Command,
}

/// <summary>
/// The authority of the mesh and how far a change of it has come, as it is kept: all a control plane must know after a restart, or a replica that
/// comes to lead. Immutable; every step is a pure function to the next record, so it can be tried by compare-and-swap. Lists of roots are sets, in order.
/// </summary>
internal sealed record AuthorityRecord
{
    /// <summary>Who signs.</summary>
    public required AuthorityPart Signer { get; init; }

    /// <summary>Who is to sign once its root is everywhere.</summary>
    public AuthorityPart? Next { get; init; }

    /// <summary>Who signed before, until its root is retired.</summary>
    public AuthorityPart? Previous { get; init; }

    /// <summary>What is published but for the roots of <see cref="Next"/>: what <see cref="Signer"/> needs, and what certificates may still stand on.</summary>
    public required IReadOnlyList<string> Roots { get; init; }

    /// <summary>Fingerprint of the offer last taken up, or of what was written in its place.</summary>
    public required string Offered { get; init; }

    /// <summary>Files are to be written after this record, and may not have been yet: they are no offer.</summary>
    public bool IsMirrorDue { get; init; }

    /// <summary>Who began the change under way.</summary>
    public RotationOrigin Origin { get; init; }

    /// <summary>The change under way is the way back.</summary>
    public bool IsAborted { get; init; }

    /// <summary>When the step began.</summary>
    public DateTimeOffset Since { get; init; }

    /// <summary>When the last certificate has ended that may stand on a root to be retired; null: there is none.</summary>
    public DateTimeOffset? RetireAt { get; init; }

    /// <summary>Life of a certificate signed now.</summary>
    public TimeSpan Lifetime { get; init; }

    /// <summary>When the last certificate has ended that was signed under an earlier, longer <see cref="Lifetime"/>.</summary>
    public DateTimeOffset Horizon { get; init; }

    /// <summary>Where it is.</summary>
    [JsonIgnore]
    public RotationStep Step => Next is not null ? RotationStep.Overlap : RetireAt is not null ? RotationStep.Retire : RotationStep.Steady;

    /// <summary>Every root sidecars are to trust.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Published => Next is null ? Roots : Union(Roots, Next.Roots);

    /// <summary>
    /// Who signs the control plane's own certificate: while a root is being retired still the one whose root every sidecar has known longest, so that one
    /// that missed the overlap can connect.
    /// </summary>
    [JsonIgnore]
    public AuthorityPart ServerSigner => IsAborted ? Signer : Previous ?? Signer;

    /// <summary>What files (and the Secret, where a command rotates) are to hold: whoever is on offer, with all that is published.</summary>
    [JsonIgnore]
    public AuthorityPart Mirror => (Origin == RotationOrigin.Offer && Next is not null ? Next : Signer) with { Roots = [.. Published] };

    /// <summary>The first record.</summary>
    public static AuthorityRecord Begin(AuthorityPart offered, string fingerprint, DateTimeOffset now) =>
        new() { Signer = offered, Roots = offered.Roots, Offered = fingerprint, Since = now };

    /// <summary>Files or Secret hold this now. What was under way towards another offer is given up: nothing was signed by it.</summary>
    public AuthorityRecord Offer(AuthorityPart offered, string fingerprint, DateTimeOffset now)
    {
        var afresh = this with { Next = null, Offered = fingerprint, Origin = RotationOrigin.Offer, Since = Next is null ? Since : now };
        if (offered.SignsAs(Signer))
        {
            return (afresh with { Signer = offered, Roots = Union(Roots, offered.Roots) }).Settle(now);
        }

        if (Previous is { } previous && offered.SignsAs(previous) && !IsAborted)
        {
            return afresh.Back(now) with { Signer = offered, Roots = Union(Roots, offered.Roots) };
        }

        // Under the same root everybody can verify it already.
        return offered.Root == Signer.Root
            ? (afresh with { Signer = offered, Roots = Union(Roots, offered.Roots), Since = now }).Settle(now)
            : afresh with { Next = offered, Since = now };
    }

    /// <summary>A command begins a change; its root takes the place of the one that signs now, further ones stay.</summary>
    public AuthorityRecord Rotate(AuthorityPart next, DateTimeOffset now) => this with
    {
        Next = next with { Roots = Union(next.Roots, Signer.Roots.Where(root => root != Signer.Root)) }, Origin = RotationOrigin.Command, Since = now,
    };

    /// <summary>Overlap is over: the next one signs.</summary>
    public AuthorityRecord Switch(DateTimeOffset now) =>
        (this with { Signer = Next!, Next = null, Previous = Signer, Roots = Published, IsAborted = false, RetireAt = null, Since = now }).Settle(now);

    /// <summary>Back to the one before; null: it is too late.</summary>
    public AuthorityRecord? Abort(DateTimeOffset now) =>
        Next is not null ? this with { Next = null, Since = now }
        : Previous is not null && !IsAborted ? Back(now)
        : null;

    /// <summary>What only former certificates stood on goes.</summary>
    public AuthorityRecord Retire(DateTimeOffset now) =>
        this with { Roots = Signer.Roots, Previous = null, IsAborted = false, RetireAt = null, Since = now };

    /// <summary>Certificates live so long from now on.</summary>
    public AuthorityRecord WithLifetime(TimeSpan lifetime, DateTimeOffset now) => lifetime == Lifetime
        ? this
        : this with
        {
            Lifetime = lifetime,
            Horizon = Later(Horizon, now + Lifetime),
        };

    private AuthorityRecord Back(DateTimeOffset now) =>
        this with { Signer = Previous!, Previous = Signer, IsAborted = true, Since = now, RetireAt = Later(Horizon, now + Lifetime) };

    // Where nothing is published that the signer does not need, there is nothing to retire.
    private AuthorityRecord Settle(DateTimeOffset now) => Roots.ToHashSet().SetEquals(Signer.Roots)
        ? this with { Roots = Signer.Roots, Previous = null, IsAborted = false, RetireAt = null }
        : this with { RetireAt = Later(RetireAt ?? default, Later(Horizon, now + Lifetime)) };

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private static ImmutableArray<string> Union(IEnumerable<string> one, IEnumerable<string> other) => [.. one.Union(other, StringComparer.Ordinal)];
}
