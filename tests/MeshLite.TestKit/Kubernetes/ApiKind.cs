using System.Text.Json.Nodes;
using MeshLite.Kubernetes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>How the server treats one kind.</summary>
/// <param name="Type">Where it is kept.</param>
internal sealed record ApiKind(ResourceType Type)
{
    /// <summary>Whether <c>status</c> is a subresource, apart from the rest.</summary>
    public bool HasStatus { get; init; }

    /// <summary>Defined by a CRD: <c>metadata.generation</c> counts changes outside metadata and status, and objects in lists say their kind.</summary>
    public bool IsCustom { get; init; }

    /// <summary>Whether a replace may leave the version out (rest.RESTUpdateStrategy.AllowUnconditionalUpdate).</summary>
    public bool MayReplaceUnconditionally { get; init; }

    /// <summary>Whether a replace of what is not there creates it (AllowCreateOnUpdate).</summary>
    public bool IsCreatedByReplace { get; init; }

    /// <summary>Fields that field selectors may name beside name and namespace.</summary>
    public string[] SelectableFields { get; init; } = [];

    /// <summary>What is wrong with an object; null: nothing.</summary>
    public Func<JsonObject, string?>? Validate { get; init; }

    /// <summary>Kinds every server has, and those the tests of MeshLite use.</summary>
    public static IEnumerable<ApiKind> Defaults()
    {
        var anyWrite = new ApiKind(ResourceTypes.Services) { MayReplaceUnconditionally = true };
        yield return anyWrite with { HasStatus = true };
        yield return anyWrite with { Type = ResourceTypes.Pods, HasStatus = true, SelectableFields = ["spec.nodeName", "spec.serviceAccountName", "status.phase", "status.podIP"] };
        yield return anyWrite with { Type = ResourceTypes.Namespaces, HasStatus = true, SelectableFields = ["status.phase"] };
        yield return anyWrite with { Type = ResourceTypes.EndpointSlices };
        yield return anyWrite with { Type = ResourceTypes.Secrets, SelectableFields = ["type"] };
        yield return anyWrite with { Type = ResourceTypes.ConfigMaps };
        yield return anyWrite with { Type = ResourceTypes.Raw("", "v1", "serviceaccounts", "ServiceAccount", isNamespaced: true) };
        yield return anyWrite with { Type = ResourceTypes.Raw("", "v1", "nodes", "Node", isNamespaced: false), HasStatus = true };
        yield return new ApiKind(ResourceTypes.Leases) { IsCreatedByReplace = true };
        yield return new ApiKind(ResourceTypes.Events) { IsCreatedByReplace = true };
        yield return new ApiKind(ResourceTypes.CustomResourceDefinitions) { HasStatus = true };
        yield return new ApiKind(ResourceTypes.MutatingWebhookConfigurations);
        yield return new ApiKind(ResourceTypes.ValidatingWebhookConfigurations);
        foreach (var (plural, kind, isNamespaced) in ((string, string, bool)[])
                 [
                     ("trafficroutes", "TrafficRoute", true), ("trafficpolicies", "TrafficPolicy", true), ("authorizationpolicies", "AuthorizationPolicy", true),
                     ("canaryreleases", "CanaryRelease", true), ("meshconfigs", "MeshConfig", false),
                 ])
        {
            yield return Custom(ResourceTypes.Raw("meshlite.dev", "v1alpha1", plural, kind, isNamespaced));
        }

        yield return Custom(ResourceTypes.Raw("gateway.networking.k8s.io", "v1", "httproutes", "HTTPRoute", isNamespaced: true));
        yield return Custom(ResourceTypes.Raw("gateway.networking.k8s.io", "v1", "grpcroutes", "GRPCRoute", isNamespaced: true));
    }

    /// <summary>A kind as a CRD with a status subresource defines it.</summary>
    public static ApiKind Custom(ResourceType type) => new(type) { IsCustom = true, HasStatus = true };
}
