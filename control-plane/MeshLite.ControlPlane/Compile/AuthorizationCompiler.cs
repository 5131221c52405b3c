using System.Collections.Immutable;
using MeshLite.ControlPlane.Index;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Compile;

/// <summary>
/// The part of a workload's own resource that says who may call it. A function of namespace and labels, whether a sidecar's
/// registration or a pod has them. Pure.
/// </summary>
internal static class AuthorizationCompiler
{
    /// <summary>What a workload asks for instead of the mesh's <c>mtls.mode</c>: a label standalone, an annotation of pods.</summary>
    public const string MtlsLabel = "meshlite.dev/mtls";

    /// <summary>Policies that select the workload, by name: their order says nothing.</summary>
    public static ImmutableArray<AuthorizationPolicyConfig> Compile(IndexView view, string ns, IReadOnlyDictionary<string, string> labels) =>
    [
        .. view.Authorizations.GetValueOrDefault(ns, [])
            .Where(policy => policy.Selects(ns, labels))
            .OrderBy(policy => policy.Key.Name, StringComparer.Ordinal)
            .Select(policy => new AuthorizationPolicyConfig($"{ns}/{policy.Key.Name}", policy.Action, policy.Rules)),
    ];

    /// <summary>Of a workload of which nobody knows the labels: where the namespace has policies, one that allows nothing.</summary>
    public static ImmutableArray<AuthorizationPolicyConfig> Unknown(IndexView view, string ns) =>
        view.Authorizations.GetValueOrDefault(ns, []).IsEmpty ? [] : [new AuthorizationPolicyConfig($"{ns}/(unknown pod)", AuthorizationAction.Allow, [])];

    /// <summary>The workload's own word, else the mesh's; a word nobody knows is the strict one.</summary>
    public static MtlsMode Mtls(IndexView view, string? asked) => asked switch
    {
        null => view.Mesh.Mtls,
        nameof(MtlsMode.Permissive) => MtlsMode.Permissive,
        _ => MtlsMode.Strict,
    };
}
