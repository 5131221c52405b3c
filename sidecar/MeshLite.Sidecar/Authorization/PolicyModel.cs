using System.Collections.Immutable;
using MeshLite.Metrics;
using MeshLite.Model;

namespace MeshLite.Sidecar.Authorization;

/// <summary>One policy, ready to run. Immutable but for its counter, set before anybody sees it.</summary>
internal sealed class PolicyModel(AuthorizationPolicyConfig config)
{
    /// <summary><c>&lt;namespace&gt;/&lt;name&gt;</c>.</summary>
    public string Name => config.Name;

    /// <summary>What a match means.</summary>
    public AuthorizationAction Action => config.Action;

    /// <summary>Any of them.</summary>
    public ImmutableArray<RuleModel> Rules { get; } = [.. config.Rules.Select(rule => new RuleModel(rule))];

    /// <summary>Counts its matches.</summary>
    public CounterSeries? Counter { get; set; }

    /// <summary>Whether it matches: one that lets in only where that is certain, any other also in doubt.</summary>
    public bool Matches(in Call call)
    {
        if (Action == AuthorizationAction.Unintelligible)
        {
            return true;
        }

        foreach (var rule in Rules)
        {
            if (rule.Matches(in call, inDoubt: Action != AuthorizationAction.Allow))
            {
                return true;
            }
        }

        return false;
    }
}
