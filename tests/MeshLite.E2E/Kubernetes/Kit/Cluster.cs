using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>
/// What an administrator and a kubelet do at the API server. Documents are YAML, one at a time, with <c>kind:</c> at the beginning of a line and
/// <c>metadata: {name: …}</c> in one. Writes are tried again while the server is away. Thread-safe.
/// </summary>
public sealed partial class Cluster(KubernetesClient client)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly Dictionary<string, ResourceType<RawObject>> Types = new ResourceType<RawObject>[]
    {
        ResourceTypes.Raw("", "v1", "namespaces", "Namespace", false), ResourceTypes.Raw("", "v1", "nodes", "Node", false), ResourceTypes.Raw("", "v1", "services", "Service", true),
        ResourceTypes.Raw("", "v1", "serviceaccounts", "ServiceAccount", true), ResourceTypes.Raw("", "v1", "pods", "Pod", true),
        ResourceTypes.Raw("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true),
        ResourceTypes.Raw("meshlite.dev", "v1alpha1", "meshconfigs", "MeshConfig", false), ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficpolicies", "TrafficPolicy", true),
        ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficroutes", "TrafficRoute", true),
        ResourceTypes.MutatingWebhookConfigurations, ResourceTypes.ValidatingWebhookConfigurations,
    }.ToDictionary(type => type.Kind);

    /// <summary>Creates or changes (server-side apply), once; answers what is stored.</summary>
    public async Task<JsonObject> TryApplyAsync(string yaml)
    {
        var ns = InNamespace().Match(yaml) is { Success: true } match ? match.Groups["ns"].Value : null;
        var type = Types[Kind().Match(yaml).Groups["kind"].Value];
        var key = new ObjectKey(type.IsNamespaced ? ns : null, Named().Match(yaml).Groups["name"].Value);
        return Json(await client.ApplyAsync(type, key, Encoding.UTF8.GetBytes(yaml), new ApplyOptions("e2e", Force: true)));
    }

    /// <summary>The same, with patience for a server that is away; what it refuses it refuses.</summary>
    public Task<JsonObject> ApplyAsync(string yaml) => Eventually.SomeAsync(
        async () =>
        {
            try
            {
                return await TryApplyAsync(yaml);
            }
            catch (Exception error) when (IsAway(error))
            {
                return null;
            }
        },
        yaml, Patience);

    /// <summary>One object; null: there is none.</summary>
    public async Task<JsonObject?> FindAsync(string kind, string? ns, string name) => await client.FindAsync(Types[kind], new ObjectKey(ns, name)) is { } found ? Json(found) : null;

    /// <summary>All objects of a namespace.</summary>
    public async Task<IReadOnlyList<JsonObject>> ListAsync(string kind, string ns, string labels = "") =>
        [.. (await client.ListAsync(Types[kind], new Selection { Namespace = ns, LabelSelector = labels.Length == 0 ? null : labels })).Items.Select(Json)];

    /// <summary>Deletes; of a pod on a node that is the beginning of its grace period.</summary>
    public Task DeleteAsync(string kind, string ns, string name) => client.DeleteAsync(Types[kind], new ObjectKey(ns, name));

    /// <summary>Changes parts of an object (merge patch).</summary>
    public Task PatchAsync(string kind, string? ns, string name, JsonObject patch) =>
        client.MergePatchAsync(Types[kind], new ObjectKey(ns, name), Encoding.UTF8.GetBytes(patch.ToJsonString()));

    /// <summary>Changes the status of a pod, as its kubelet does, with a kubelet's patience.</summary>
    public Task PatchPodStatusAsync(string ns, string name, string status) => Eventually.TrueAsync(
        async () =>
        {
            try
            {
                await client.MergePatchStatusAsync(Types["Pod"], new ObjectKey(ns, name), Encoding.UTF8.GetBytes($$$"""{"status": {{{status}}}}"""));
                return true;
            }
            catch (Exception error) when (IsAway(error))
            {
                return false;
            }
        },
        $"status of {name}", Patience);

    /// <summary>The end of a pod's grace period: nothing of it is left. By an eviction without grace, since that has a body of its own.</summary>
    public Task ForgetPodAsync(string ns, string name) => client.CreateAsync(
        ResourceTypes.Raw("", "v1", $"pods/{name}/eviction", "Eviction", isNamespaced: true),
        RawObject.Parse($$$"""{"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "{{{name}}}", "namespace": "{{{ns}}}"}, "deleteOptions": {"gracePeriodSeconds": 0}}"""));

    /// <summary>A token as a kubelet asks for it: bound to the pod.</summary>
    public async Task<string> TokenAsync(string ns, string serviceAccount, string? audience, long seconds, string? pod = null, string? uid = null)
    {
        var spec = new JsonObject { ["expirationSeconds"] = seconds, ["audiences"] = audience is null ? null : new JsonArray(audience) };
        if (pod is not null)
        {
            spec["boundObjectRef"] = new JsonObject { ["kind"] = "Pod", ["apiVersion"] = "v1", ["name"] = pod, ["uid"] = uid };
        }

        var request = new JsonObject { ["apiVersion"] = "authentication.k8s.io/v1", ["kind"] = "TokenRequest", ["metadata"] = new JsonObject { ["namespace"] = ns }, ["spec"] = spec };
        var answer = await client.CreateAsync(ResourceTypes.Raw("", "v1", $"serviceaccounts/{serviceAccount}/token", "TokenRequest", isNamespaced: true), RawObject.Parse(request.ToJsonString()));
        return answer.Json.GetProperty("status").GetProperty("token").GetString()!;
    }

    /// <summary>Whether the server is away rather than against it.</summary>
    public static bool IsAway(Exception error) =>
        error is HttpRequestException or TimeoutException || (error is KubernetesException refusal && ((int)refusal.StatusCode >= 500 || refusal.Reason == KubernetesReason.TooManyRequests));

    private static JsonObject Json(RawObject found) => JsonNode.Parse(found.Json.GetRawText())!.AsObject();

    [GeneratedRegex(@"^kind: (?<kind>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Kind();

    [GeneratedRegex(@"^metadata: .*?\bname: (?<name>[\w.-]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Named();

    [GeneratedRegex(@"^metadata: .*?\bnamespace: (?<ns>[\w-]+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex InNamespace();
}
