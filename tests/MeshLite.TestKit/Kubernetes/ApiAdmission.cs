using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using MeshLite.Kubernetes;

namespace MeshLite.TestKit.Kubernetes;

/// <summary>
/// Calls the admission webhooks that are configured as objects of this server: rules, namespace and object selectors, failure policy, timeout, JSONPatch, all
/// mutating ones before the validating. Not: match conditions (CEL), reinvocation, audit annotations.
/// </summary>
internal sealed class ApiAdmission(ApiStore store)
{
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Where the Services that webhooks name really listen: <c>namespace/name</c> → address.</summary>
    public ConcurrentDictionary<string, Uri> Services { get; } = new(StringComparer.Ordinal);

    /// <summary>The object as the webhooks want it. Throws where one refuses.</summary>
    public async Task<JsonObject> AdmitAsync(ApiRequest request, string operation, JsonObject? json, JsonObject? old)
    {
        foreach (var webhook in WebhooksFor(ResourceTypes.MutatingWebhookConfigurations, request, operation, json ?? old!))
        {
            if (await CallAsync(webhook, request, operation, json, old) is { } patch && json is not null)
            {
                json = JsonPatches.Apply(json, patch);
            }
        }

        foreach (var webhook in WebhooksFor(ResourceTypes.ValidatingWebhookConfigurations, request, operation, json ?? old!))
        {
            await CallAsync(webhook, request, operation, json, old);
        }

        return json ?? old!;
    }

    private List<JsonObject> WebhooksFor(ResourceType configurations, ApiRequest request, string operation, JsonObject json)
    {
        // Nobody may lock himself out.
        if (request.Kind.Type.Group == "admissionregistration.k8s.io")
        {
            return [];
        }

        var (all, ns) = store.Locked(() => (
            store.At_NeedsLock(configurations, store.Version),
            request.Namespace is { } name ? store.Find_NeedsLock(ResourceTypes.Namespaces, new ObjectKey(null, name))?.Json : null));
        var namespaceLabels = request.Kind.Type == ResourceTypes.Namespaces ? json["metadata"]?["labels"] : ns?["metadata"]?["labels"];
        return
        [
            .. from configuration in all
               from webhook in (configuration["webhooks"] as JsonArray ?? []).OfType<JsonObject>()
               where (webhook["rules"] as JsonArray ?? []).OfType<JsonObject>().Any(r => RuleMatches(r, request, operation))
               where (request.Namespace is null && request.Kind.Type != ResourceTypes.Namespaces) || Selector.MatchesSelector(webhook["namespaceSelector"], namespaceLabels as JsonObject)
               where Selector.MatchesSelector(webhook["objectSelector"], json["metadata"]?["labels"] as JsonObject)
               select webhook,
        ];
    }

    private static bool RuleMatches(JsonObject rule, ApiRequest request, string operation)
    {
        var type = request.Kind.Type;
        var scope = (string?)rule["scope"] ?? "*";
        return Has("operations", operation) && Has("apiGroups", type.Group) && Has("apiVersions", type.Version)
            && (scope == "*" || (scope == "Namespaced") == type.IsNamespaced)
            && (rule["resources"] as JsonArray ?? []).Any(r => (string?)r is { } said && ResourceMatches(said));

        bool Has(string list, string value) => (rule[list] as JsonArray ?? []).Any(v => (string?)v == value || (string?)v == "*");

        bool ResourceMatches(string said) => request.Subresource is null
            ? said == type.Plural || said is "*" or "*/*"
            : said == $"{type.Plural}/{request.Subresource}" || said == $"{type.Plural}/*" || said == $"*/{request.Subresource}" || said == "*/*";
    }

    /// <summary>The patch of a webhook, if it has one.</summary>
    private async Task<JsonArray?> CallAsync(JsonObject webhook, ApiRequest request, string operation, JsonObject? json, JsonObject? old)
    {
        var name = (string)webhook["name"]!;
        JsonNode? answer;
        try
        {
            var review = ReviewOf(request, operation, json, old);
            answer = (await PostAsync(webhook, review))?["response"];
            if ((string?)answer?["uid"] != (string?)review["request"]!["uid"])
            {
                throw new HttpRequestException("expected response.uid to be that of the request");
            }
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or System.Text.Json.JsonException)
        {
            return (string?)webhook["failurePolicy"] == "Ignore"
                ? null
                : throw new ApiError(HttpStatusCode.InternalServerError, "InternalError", $"Internal error occurred: failed calling webhook \"{name}\": {error.Message}");
        }

        if ((bool?)answer!["allowed"] != true)
        {
            var status = answer["status"];
            var code = (int?)status?["code"] is > 0 and var said ? (HttpStatusCode)said : HttpStatusCode.Forbidden;
            throw new ApiError(code, (string?)status?["reason"] ?? "Forbidden", $"admission webhook \"{name}\" denied the request: {(string?)status?["message"] ?? "without explanation"}");
        }

        return (string?)answer["patch"] is { } patch ? JsonNode.Parse(Convert.FromBase64String(patch))!.AsArray() : null;
    }

    private static JsonObject ReviewOf(ApiRequest request, string operation, JsonObject? json, JsonObject? old)
    {
        var type = request.Kind.Type;
        var kind = new JsonObject { ["group"] = type.Group, ["version"] = type.Version, ["kind"] = type.Kind };
        var resource = new JsonObject { ["group"] = type.Group, ["version"] = type.Version, ["resource"] = type.Plural };
        return new JsonObject
        {
            ["kind"] = "AdmissionReview",
            ["apiVersion"] = "admission.k8s.io/v1",
            ["request"] = new JsonObject
            {
                ["uid"] = Guid.NewGuid().ToString(),
                ["kind"] = kind,
                ["resource"] = resource,
                ["subResource"] = request.Subresource,
                ["requestKind"] = kind.DeepClone(),
                ["requestResource"] = resource.DeepClone(),
                // With generateName the name is not made yet when a mutating webhook is asked; this server makes it first.
                ["name"] = request.Name,
                ["namespace"] = request.Namespace,
                ["operation"] = operation,
                ["userInfo"] = new JsonObject { ["username"] = request.User, ["groups"] = new JsonArray("system:authenticated") },
                ["object"] = json?.DeepClone(),
                ["oldObject"] = old?.DeepClone(),
                ["dryRun"] = false,
                ["options"] = new JsonObject { ["kind"] = operation switch { "CREATE" => "CreateOptions", "DELETE" => "DeleteOptions", _ => "UpdateOptions" }, ["apiVersion"] = "meta.k8s.io/v1" },
            },
        };
    }

    private async Task<JsonNode?> PostAsync(JsonObject webhook, JsonObject review)
    {
        var client = webhook["clientConfig"]!;
        var (url, host) = AddressOf(client);
        using var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.TargetHost = host;
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, errors) => Trusts((string?)client["caBundle"], certificate, errors);
        using var http = new HttpMessageInvoker(handler);
        using var message = new HttpRequestMessage(HttpMethod.Post, url) { Content = new StringContent(review.ToJsonString(), Encoding.UTF8, "application/json") };
        using var limit = new CancellationTokenSource((int?)webhook["timeoutSeconds"] is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultTimeout, TimeProvider.System);
        using var response = await http.SendAsync(message, limit.Token);
        return response.StatusCode == HttpStatusCode.OK
            ? JsonNode.Parse(await response.Content.ReadAsStringAsync(limit.Token))
            : throw new HttpRequestException($"unexpected status {(int)response.StatusCode}");
    }

    private (Uri Url, string Host) AddressOf(JsonNode client)
    {
        if ((string?)client["url"] is { } url)
        {
            return (new Uri(url), new Uri(url).Host);
        }

        var service = client["service"]!;
        var (ns, name, path) = ((string)service["namespace"]!, (string)service["name"]!, (string?)service["path"] ?? "/");
        return Services.TryGetValue($"{ns}/{name}", out var address)
            ? (new Uri(address, path), $"{name}.{ns}.svc")
            : throw new HttpRequestException($"service \"{name}\" not found");
    }

    private static bool Trusts(string? bundle, X509Certificate? certificate, SslPolicyErrors errors)
    {
        if (bundle is null || certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(Encoding.ASCII.GetString(Convert.FromBase64String(bundle)));
        return chain.Build(new X509Certificate2(certificate));
    }
}
