using System.Collections.Immutable;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Resources;

/// <summary>Who may call what of the workloads it selects, in its own namespace. Immutable.</summary>
public sealed record AuthorizationPolicyResource : Resource
{
    /// <summary><c>selector.matchLabels</c>: labels a workload must have. <value>Empty: every workload of the namespace.</value></summary>
    public ImmutableSortedDictionary<string, string> Selector { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary><c>action</c>. <value>Default <see cref="AuthorizationAction.Allow"/>.</value></summary>
    public AuthorizationAction Action { get; init; } = AuthorizationAction.Allow;

    /// <summary><c>rules</c>. <value>Empty: nothing matches; of an Allow, that is nobody.</value></summary>
    public ImmutableArray<AuthorizationRuleConfig> Rules { get; init; } = [];

    /// <summary>Whether it is about a workload; of pods as of registrations, labels are all there is to look at.</summary>
    public bool Selects(string ns, IReadOnlyDictionary<string, string> labels) =>
        ns == Key.Namespace && Selector.All(label => labels.TryGetValue(label.Key, out var value) && value == label.Value);
}
