using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes.Real;
using Microsoft.Extensions.Logging;

namespace MeshLite.Functional.Tests;

/// <summary>
/// Every golden pod of the injection tests, created at a real API server that asks our webhook: what is injected is a pod that Kubernetes takes, and who is refused learns why.
/// </summary>
public sealed class RealWebhookTests
{
    private static readonly ResourceType<RawObject> Pods = ResourceTypes.Raw("", "v1", "pods", "Pod", isNamespaced: true);
    private static readonly ResourceType<RawObject> Namespaces = ResourceTypes.Raw("", "v1", "namespaces", "Namespace", isNamespaced: false);

    [Fact]
    public async Task GoldenPods_AtARealApiServer_EndAsTheyShould()
    {
        Assert.SkipWhen(RealApiServer.WhyNot is not null, RealApiServer.WhyNot ?? "");
        await using var server = await RealApiServer.StartAsync();
        await using var host = await StartAsync(server);

        var cases = Directory.GetDirectories(GoldenDirectory());
        foreach (var golden in cases)
        {
            var name = Path.GetFileName(golden);
            var input = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(golden, "input.json")))!;
            var result = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(golden, "result.json")))!;
            if (name == "mirror-pod")
            {
                continue; // only a kubelet may make one
            }

            var ns = input["namespaceLabels"]!.AsObject().Count > 0 ? "in" : "out";
            var create = CreateAsync(server, ns, name, input["pod"]!.AsObject());
            if (result["refusal"] is { } refusal)
            {
                var refused = await Should.ThrowAsync<KubernetesException>(create, name);
                refused.Message.ShouldContain(refusal.GetValue<string>().Split(" can't be in the mesh: ")[1]);
            }
            else
            {
                (await create).ShouldBe(
                    result["pod"]?["spec"]!["initContainers"]!.AsArray().Select(c => c!["name"]!.GetValue<string>())
                    ?? (input["pod"]!["spec"]!["initContainers"] as JsonArray ?? []).Select(c => c!["name"]!.GetValue<string>()), name);
            }
        }

        cases.Length.ShouldBeGreaterThanOrEqualTo(15);
    }

    /// <summary>The admission of service accounts runs once more after the webhook, and mounts the Pod's API token into every container that has nothing at its place.</summary>
    [Fact]
    public async Task InjectedContainers_AtARealApiServer_GetNoTokenForIt()
    {
        Assert.SkipWhen(RealApiServer.WhyNoControllers is not null, RealApiServer.WhyNoControllers ?? "");
        await using var server = await RealApiServer.StartAsync(controllers: "serviceaccount");
        await using var host = await StartAsync(server);

        var spec = (await CreatePodAsync(server, "in", "orders", Minimal())).GetProperty("spec");

        string[] Mounted(string list) => [.. spec.GetProperty(list).EnumerateArray().Select(container => container.GetProperty("name").GetString() + " " + string.Join(' ', container.GetProperty("volumeMounts").EnumerateArray()
            .Where(mount => mount.GetProperty("mountPath").GetString() == "/var/run/secrets/kubernetes.io/serviceaccount").Select(mount => mount.GetProperty("name").GetString()!.Split('-')[0])))];
        Mounted("initContainers").ShouldBe(["meshlite-capture meshlite", "meshlite-sidecar meshlite"]);
        Mounted("containers").ShouldBe(["app kube"]);
    }

    private static async Task<ControlPlaneHost> StartAsync(RealApiServer server)
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        await NamespaceAsync(server, "meshlite-system", "{}");
        await NamespaceAsync(server, "in", """{"meshlite.dev/inject": "enabled"}""");
        await NamespaceAsync(server, "out", "{}");
        var host = await ControlPlaneHost.StartAsync(
            new ControlPlaneOptions { Cluster = new ClusterOptions { Kubeconfig = server.Kubeconfig, Namespace = "meshlite-system" }, Grpc = any, Telemetry = any, Webhook = any },
            TimeProvider.System, logging => logging.ClearProviders(), CancellationToken.None);
        await server.Client.CreateAsync(ResourceTypes.MutatingWebhookConfigurations, RawObject.Parse(Configuration($"https://localhost:{host.WebhookEndPoint.Port}/inject")));
        await Eventually.TrueAsync(
            async () => (await server.Client.GetAsync(ResourceTypes.MutatingWebhookConfigurations, new ObjectKey(null, "meshlite"))).Json.GetProperty("webhooks")[0].GetProperty("clientConfig").TryGetProperty("caBundle", out _),
            "the leader patches the bundle in", TimeSpan.FromSeconds(60));
        // The server hears of its webhooks by a watch: until then it asks nobody.
        await Eventually.TrueAsync(async () => (await CreateAsync(server, "in", $"try-{Guid.NewGuid():n}", Minimal())).Contains("meshlite-sidecar"), "it asks the webhook", TimeSpan.FromSeconds(30));
        return host;
    }

    // Answers the init containers of what was stored.
    private static async Task<IReadOnlyList<string>> CreateAsync(RealApiServer server, string ns, string name, JsonObject pod) =>
        (await CreatePodAsync(server, ns, name, pod)).GetProperty("spec").TryGetProperty("initContainers", out var containers)
            ? [.. containers.EnumerateArray().Select(c => c.GetProperty("name").GetString()!)]
            : [];

    private static async Task<System.Text.Json.JsonElement> CreatePodAsync(RealApiServer server, string ns, string name, JsonObject pod)
    {
        pod["apiVersion"] = "v1";
        pod["kind"] = "Pod";
        pod["metadata"]!["namespace"] = ns;
        pod["metadata"]!["name"] = name;
        pod["spec"]!["serviceAccountName"] = "default"; // as the admission of service accounts, which runs before webhooks, would have it
        return (await server.Client.CreateAsync(Pods, RawObject.Parse(pod.ToJsonString()))).Json;
    }

    private static async Task NamespaceAsync(RealApiServer server, string name, string labels)
    {
        await server.Client.CreateAsync(Namespaces, RawObject.Parse($$$"""{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{{{name}}}", "labels": {{{labels}}}}}"""));
        await server.IssueTokenAsync(name, "default", "any");
    }

    private static JsonObject Minimal() => JsonNode.Parse("""{"metadata": {}, "spec": {"containers": [{"name": "app", "image": "app"}]}}""")!.AsObject();

    // As in manifests/webhooks.yaml, at an address the server can reach.
    private static string Configuration(string url) => $$$"""
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "meshlite"}, "webhooks": [
          {"name": "namespaces.inject.meshlite.dev", "clientConfig": {"url": "{{{url}}}"}, "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
           "namespaceSelector": {"matchExpressions": [{"key": "meshlite.dev/inject", "operator": "In", "values": ["enabled"]}]},
           "failurePolicy": "Fail", "sideEffects": "None", "reinvocationPolicy": "IfNeeded", "admissionReviewVersions": ["v1"]},
          {"name": "pods.inject.meshlite.dev", "clientConfig": {"url": "{{{url}}}"}, "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
           "objectSelector": {"matchExpressions": [{"key": "meshlite.dev/inject", "operator": "In", "values": ["enabled"]}]},
           "failurePolicy": "Fail", "sideEffects": "None", "reinvocationPolicy": "IfNeeded", "admissionReviewVersions": ["v1"]}]}
        """;

    private static string GoldenDirectory([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "MeshLite.Injection.Tests", "golden");
}
