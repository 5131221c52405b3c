using System.Collections.Immutable;

namespace MeshLite.Model;

/// <summary>One AuthorizationPolicy that selects the receiving workload; part of resource <c>workload</c>. Immutable.</summary>
/// <param name="Name"><c>&lt;namespace&gt;/&lt;name&gt;</c>, in logs and metrics.</param>
/// <param name="Action">What a match means.</param>
/// <param name="Rules">A request matches the policy if it matches any; none: nothing does.</param>
public sealed record AuthorizationPolicyConfig(string Name, AuthorizationAction Action, ImmutableArray<AuthorizationRuleConfig> Rules);

/// <summary>What it means that a policy matches.</summary>
public enum AuthorizationAction
{
    /// <summary>Nobody knows: the policy was not understood whole, and lets nobody in.</summary>
    Unintelligible,

    /// <summary>Let in; where there is one such policy, nothing else is.</summary>
    Allow,

    /// <summary>Not let in, whatever allows it.</summary>
    Deny,

    /// <summary>Counted and logged, never enforced.</summary>
    Audit,
}

/// <summary>
/// All parts that have entries must match, of each part any entry. A text may have <c>*</c> as prefix or suffix, or be <c>*</c>. Immutable.
/// </summary>
public sealed record AuthorizationRuleConfig
{
    /// <summary>Callers' SPIFFE IDs; who has none matches no entry.</summary>
    public ImmutableArray<string> Principals { get; init; } = [];

    /// <summary>Namespaces of callers' SPIFFE IDs.</summary>
    public ImmutableArray<string> Namespaces { get; init; } = [];

    /// <summary>Ports of the application.</summary>
    public ImmutableArray<int> Ports { get; init; } = [];

    /// <summary>HTTP methods; no wildcards.</summary>
    public ImmutableArray<string> Methods { get; init; } = [];

    /// <summary>Paths as normalised.</summary>
    public ImmutableArray<string> Paths { get; init; } = [];
}
