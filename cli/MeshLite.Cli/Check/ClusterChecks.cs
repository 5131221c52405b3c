using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MeshLite.Cli.Operator;
using MeshLite.Cli.Wait;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Protocol.Pki;

namespace MeshLite.Cli.Check;

/// <summary>The cluster's side of the mesh: whether the kinds are installed, and the API server believes our webhooks.</summary>
internal sealed class ClusterChecks(KubernetesClient client)
{
    private const string Install = "kubectl apply --server-side -k manifests/";

    /// <summary>Looks. <paramref name="roots"/>: the mesh's, where they could be asked for.</summary>
    public async Task<IReadOnlyList<CheckResult>> RunAsync(TrustBundle? roots, CancellationToken cancellationToken)
    {
        try
        {
            return [await KindsAsync(cancellationToken), .. await WebhooksAsync(roots, cancellationToken)];
        }
        catch (Exception problem) when (KubernetesException.IsServerFailure(problem))
        {
            return [CheckResult.Failed("cluster", $"the API server does not say: {problem.Message}", "is --kubeconfig of that cluster, and may its user read CustomResourceDefinitions and webhook configurations?")];
        }
    }

    private async Task<CheckResult> KindsAsync(CancellationToken cancellationToken)
    {
        List<string> missing = [];
        foreach (var kind in OwnKind.All)
        {
            var found = await client.FindAsync(ResourceTypes.CustomResourceDefinitions, new ObjectKey(null, $"{kind.Plural}.meshlite.dev"), cancellationToken);
            if (found is null || !Conditions(found).Any(c => Text(c, "type") == "Established" && Text(c, "status") == "True"))
            {
                missing.Add(kind.Kind);
            }
        }

        return missing.Count == 0
            ? CheckResult.Ok("kinds", $"{string.Join(", ", OwnKind.All.Select(k => k.Kind))} are installed")
            : CheckResult.Failed("kinds", $"not installed: {string.Join(", ", missing)}", Install);
    }

    private async Task<IReadOnlyList<CheckResult>> WebhooksAsync(TrustBundle? roots, CancellationToken cancellationToken)
    {
        List<CheckResult> results = [];
        foreach (var type in (ResourceType<RawObject>[])[ResourceTypes.MutatingWebhookConfigurations, ResourceTypes.ValidatingWebhookConfigurations])
        {
            var found = await client.FindAsync(type, new ObjectKey(null, "meshlite"), cancellationToken);
            results.Add(found is null
                ? CheckResult.Failed("webhooks", $"there is no {type.Kind} meshlite", Install)
                : Judge(type.Kind, found, roots));
        }

        return results;
    }

    private static CheckResult Judge(string kind, RawObject configuration, TrustBundle? roots)
    {
        var webhooks = configuration.Json.TryGetProperty("webhooks", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().ToList() : [];
        foreach (var webhook in webhooks)
        {
            if (Problem(webhook, roots) is { } problem)
            {
                return CheckResult.Failed(
                    "webhooks", $"{kind} meshlite: {Text(webhook, "name")} {problem}",
                    "the replica that leads writes it within seconds: is there one? kubectl -n meshlite-system get lease meshlite-control-plane");
            }
        }

        return CheckResult.Ok("webhooks", $"{kind} meshlite believes {(roots is null ? "some authority" : "the mesh's roots")}");
    }

    private static string? Problem(JsonElement webhook, TrustBundle? roots)
    {
        if (!webhook.TryGetProperty("clientConfig", out var client) || Text(client, "caBundle") is not { Length: > 0 } encoded)
        {
            return "has no CA bundle yet: nothing it is asked about can be created";
        }

        try
        {
            var believed = TrustBundle.FromPem(Encoding.ASCII.GetString(Convert.FromBase64String(encoded)));
            var missing = roots?.Roots.Where(root => !believed.Roots.Any(b => b.RawDataMemory.Span.SequenceEqual(root.RawDataMemory.Span))).Select(root => root.Subject).ToList() ?? [];
            return missing.Count == 0 ? null : $"does not believe {string.Join(", ", missing)}";
        }
        catch (Exception problem) when (problem is FormatException or CryptographicException)
        {
            return "has a CA bundle that is none";
        }
    }

    private static IEnumerable<JsonElement> Conditions(RawObject item) =>
        item.Json.TryGetProperty("status", out var status) && status.TryGetProperty("conditions", out var list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : [];

    private static string Text(JsonElement json, string name) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
}
