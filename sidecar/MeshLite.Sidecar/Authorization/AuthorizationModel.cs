using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.Sidecar.Authorization;

/// <summary>
/// All policies of this workload: Deny first, then, where there is an Allow at all, only what one of them allows. Built from
/// what the control plane sends, replaced as a whole. Immutable; read by requests.
/// </summary>
internal sealed class AuthorizationModel
{
    private readonly ImmutableArray<PolicyModel> _denies;
    private readonly ImmutableArray<PolicyModel> _allows;

    private AuthorizationModel(ImmutableArray<PolicyModel> policies)
    {
        Policies = policies;
        Audits = [.. policies.Where(policy => policy.Action == AuthorizationAction.Audit)];
        _allows = [.. policies.Where(policy => policy.Action == AuthorizationAction.Allow)];
        // Whatever is not known to let in keeps out.
        _denies = [.. policies.Where(policy => policy.Action is not (AuthorizationAction.Audit or AuthorizationAction.Allow))];
        LooksAtPaths = policies.Any(policy => policy.Rules.Any(rule => rule.LooksAtPaths));
    }

    /// <summary>All of them.</summary>
    public ImmutableArray<PolicyModel> Policies { get; }

    /// <summary>Those that only watch.</summary>
    public ImmutableArray<PolicyModel> Audits { get; }

    /// <summary>Whether any rule asks for paths.</summary>
    public bool LooksAtPaths { get; }

    /// <summary>Null: there are no policies, and everybody may call.</summary>
    public static AuthorizationModel? Build(ImmutableArray<AuthorizationPolicyConfig> policies) =>
        policies.IsEmpty ? null : new AuthorizationModel([.. policies.Select(policy => new PolicyModel(policy))]);

    /// <summary>May this be? Allocates nothing.</summary>
    public Decision Decide(in Call call)
    {
        foreach (var policy in _denies)
        {
            if (policy.Matches(in call))
            {
                return new Decision(Allowed: false, policy);
            }
        }

        foreach (var policy in _allows)
        {
            if (policy.Matches(in call))
            {
                return new Decision(Allowed: true, policy);
            }
        }

        return new Decision(_allows.IsEmpty, By: null);
    }
}

/// <summary>What policies say of a call, and which of them said it; null: none spoke, so their absence decides.</summary>
internal readonly record struct Decision(bool Allowed, PolicyModel? By);
