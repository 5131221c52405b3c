using System.Text.Json.Nodes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>Webhooks are called, and believed.</summary>
public abstract class AdmissionContract(ContractServer server) : ContractCase(server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Mutating_Patch_IsStored()
    {
        await using var hook = await WebhookServer.StartAsync(request => new JsonObject
        {
            ["allowed"] = true,
            ["patchType"] = "JSONPatch",
            ["patch"] = Convert.ToBase64String(Utf8($$"""[{"op": "add", "path": "/data/by", "value": "{{request["operation"]}} {{request["name"]}} {{request["namespace"]}}"}]""")),
        });
        await ConfigureAsync(ResourceTypes.MutatingWebhookConfigurations, "MutatingWebhookConfiguration", hook, "Fail");

        // A real server hears of the configuration a little later.
        var map = await Eventually.SomeAsync(
            async () => await CreateMapAsync($"m-{Guid.NewGuid():N}", ("x", "1")) is { Data.Count: 2 } patched ? patched : null, "the webhook's patch", Patience);

        map.Data["by"].ShouldBe($"CREATE {map.Metadata.Name} {Ns}");
    }

    [Fact]
    public async Task Validating_Refusal_IsForbiddenWithItsSentence()
    {
        await using var hook = await WebhookServer.StartAsync(_ => new JsonObject { ["allowed"] = false, ["status"] = new JsonObject { ["message"] = "no good", ["code"] = 403 } });
        await ConfigureAsync(ResourceTypes.ValidatingWebhookConfigurations, "ValidatingWebhookConfiguration", hook, "Fail");

        var error = await Eventually.SomeAsync(() => TryAsync($"m-{Guid.NewGuid():N}"), "a refusal", Patience);

        error.Reason.ShouldBe(KubernetesReason.Forbidden);
        error.Message.ShouldContain("denied the request: no good");
    }

    [Fact]
    public async Task Webhook_Down_FailurePolicyDecides()
    {
        var hook = await WebhookServer.StartAsync(_ => new JsonObject { ["allowed"] = false });
        await ConfigureAsync(ResourceTypes.ValidatingWebhookConfigurations, "ValidatingWebhookConfiguration", hook, "Fail");
        await Eventually.SomeAsync(() => TryAsync($"m-{Guid.NewGuid():N}"), "a refusal", Patience);

        await hook.DisposeAsync();

        (await TryAsync("down")).ShouldNotBeNull().Reason.ShouldBe(KubernetesReason.ServerError);
        await ConfigureAsync(ResourceTypes.ValidatingWebhookConfigurations, "ValidatingWebhookConfiguration", hook, "Ignore");
        await Eventually.TrueAsync(async () => await TryAsync($"m-{Guid.NewGuid():N}") is null, "Ignore lets it pass", Patience);
    }

    private async Task<KubernetesException?> TryAsync(string name)
    {
        try
        {
            await CreateMapAsync(name, ("x", "1"));
            return null;
        }
        catch (KubernetesException error)
        {
            return error;
        }
    }

    private Task<RawObject> ConfigureAsync(ResourceType<RawObject> type, string kind, WebhookServer hook, string failurePolicy) =>
        Client.ApplyAsync(
            type,
            new ObjectKey(null, Ns),
            Utf8($$$"""
                {
                  "apiVersion": "admissionregistration.k8s.io/v1", "kind": "{{{kind}}}", "metadata": {"name": "{{{Ns}}}"},
                  "webhooks": [{
                    "name": "hook.meshlite.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None", "failurePolicy": "{{{failurePolicy}}}", "timeoutSeconds": 5,
                    "clientConfig": {"url": "{{{hook.Url}}}", "caBundle": "{{{hook.CaBundle}}}"},
                    "namespaceSelector": {"matchLabels": {"case": "{{{Ns}}}"}},
                    "rules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]}]
                  }]
                }
                """),
            new ApplyOptions("contract"));
}
