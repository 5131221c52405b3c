using System.Collections.Immutable;

namespace MeshLite.ControlPlane.Identity.Rotation;

/// <summary>How far what is in force has come among the sidecars of every replica. Immutable.</summary>
internal sealed record AuthorityProgress
{
    /// <summary>Most names given. <value>100.</value></summary>
    public const int MaxNames = 100;

    /// <summary>Sidecars connected.</summary>
    public int Sidecars { get; init; }

    /// <summary>Those of them that have acknowledged the roots.</summary>
    public int WithRoots { get; init; }

    /// <summary>Those of them whose certificate is of who signs now.</summary>
    public int WithIssuer { get; init; }

    /// <summary>Some of those that have not the roots, by name.</summary>
    public ImmutableArray<string> WithoutRoots { get; init; } = [];

    /// <summary>Some of those whose certificate is another's, by name.</summary>
    public ImmutableArray<string> WithoutIssuer { get; init; } = [];

    /// <summary>Replicas that did not answer.</summary>
    public ImmutableArray<string> Unheard { get; init; } = [];

    /// <summary>Everybody has the roots.</summary>
    public bool IsOverlapDone => Unheard.IsEmpty && WithRoots == Sidecars;

    /// <summary>Nobody shows a certificate of who signed before.</summary>
    public bool IsRenewalDone => Unheard.IsEmpty && WithIssuer == Sidecars;

    /// <summary>Both together.</summary>
    public AuthorityProgress With(AuthorityProgress other) => new()
    {
        Sidecars = Sidecars + other.Sidecars, WithRoots = WithRoots + other.WithRoots, WithIssuer = WithIssuer + other.WithIssuer,
        WithoutRoots = [.. WithoutRoots.Concat(other.WithoutRoots).Take(MaxNames)], WithoutIssuer = [.. WithoutIssuer.Concat(other.WithoutIssuer).Take(MaxNames)],
        Unheard = [.. Unheard, .. other.Unheard],
    };

    /// <summary>A sentence for people: who is waited for. Empty: nobody.</summary>
    public string WaitingFor(bool roots)
    {
        var names = roots ? WithoutRoots : WithoutIssuer;
        var sidecars = Sidecars - (roots ? WithRoots : WithIssuer);
        return string.Join("; ", ((string[])[
            sidecars > 0 ? $"{string.Join(", ", names.Take(5))}{(sidecars > 5 ? $" and {sidecars - 5} more" : "")}" : "",
            Unheard.IsEmpty ? "" : $"replica {string.Join(", ", Unheard)} does not answer"]).Where(part => part.Length > 0));
    }
}
