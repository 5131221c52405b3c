using System.Collections.Immutable;
using System.Net;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Resources.Reading;
using MeshLite.ControlPlane.Tests.Crds;

namespace MeshLite.ControlPlane.Tests.Manifests;

/// <summary>
/// <c>manifests/</c> on a real API server: applied as <c>kubectl apply -k</c> does, one document after the other. The webhook
/// configurations are taken away again, since nobody answers here.
/// </summary>
[Collection(ApiServer.Group)]
public sealed class ManifestTests(ApiServer server)
{
    private const string Account = "system:serviceaccount:meshlite-system:meshlite-control-plane";
    private const string Ours = "meshlite-system";

    private static readonly string Base = Path.Combine(Crd.Root(), "manifests");

    [Fact]
    public void Kustomization_OfEachFolder_NamesEveryFileBesideIt()
    {
        foreach (var folder in Directory.GetFiles(Crd.Root(), "kustomization.yaml", SearchOption.AllDirectories).Select(f => Path.GetDirectoryName(f)!))
        {
            var named = Resources(folder);
            var there = Directory.GetFiles(folder, "*.yaml").Select(f => Path.GetFileName(f)!).Except(["kustomization.yaml", "scrape-config.yaml", "alerts.yaml"]);

            there.Except(named).ShouldBeEmpty(folder);
            named.ShouldAllBe(name => File.Exists(Path.Combine(folder, name)) || Directory.Exists(Path.Combine(folder, name)));
        }
    }

    [Fact]
    public async Task Apply_Twice_ChangesNothingTheSecondTime()
    {
        var first = new List<string?>();
        var second = new List<string?>();
        foreach (var versions in (List<string?>[])[first, second])
        {
            foreach (var document in Documents())
            {
                versions.Add((string?)(await server.ApplyAsync(document))["metadata"]!["resourceVersion"]);
            }
        }

        await RemoveWebhooksAsync();
        second.ShouldBe(first);
    }

    [Fact]
    public async Task Apply_AfterTheCaBundleIsThere_LeavesIt()
    {
        const string Path = "apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/meshlite";
        var document = Documents().Single(d => d.Contains("kind: MutatingWebhookConfiguration", StringComparison.Ordinal));
        var webhooks = (await server.ApplyAsync(document))["webhooks"]!.DeepClone().AsArray();
        foreach (var webhook in webhooks)
        {
            webhook!["clientConfig"]!["caBundle"] = Convert.ToBase64String("-----BEGIN CERTIFICATE-----"u8);
        }

        await server.SendAsync(HttpMethod.Patch, Path, new JsonObject { ["webhooks"] = webhooks }.ToJsonString(), "application/merge-patch+json");
        var again = await server.SendAsync(HttpMethod.Patch, $"{Path}?fieldManager=test", document, "application/apply-patch+yaml");

        await RemoveWebhooksAsync();
        again.Status.ShouldBe(HttpStatusCode.OK, $"{again.Body}");
        again.Body["webhooks"]!.AsArray().ShouldAllBe(webhook => webhook!["clientConfig"]!["caBundle"] != null);
    }

    [Theory]
    [InlineData("list", "", "services", null, null)]
    [InlineData("watch", "", "pods", null, null)]
    [InlineData("watch", "", "namespaces", null, null)]
    [InlineData("get", "", "namespaces", null, "shop")]
    [InlineData("watch", "discovery.k8s.io", "endpointslices", null, null)]
    [InlineData("watch", "meshlite.dev", "trafficroutes", null, null)]
    [InlineData("patch", "meshlite.dev", "trafficpolicies/status", "shop", "orders")]
    [InlineData("patch", "meshlite.dev", "meshconfigs/status", null, "default")]
    [InlineData("create", "events.k8s.io", "events", "shop", null)]
    [InlineData("create", "authentication.k8s.io", "tokenreviews", null, null)]
    [InlineData("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", null, "meshlite")]
    [InlineData("get", "admissionregistration.k8s.io", "validatingwebhookconfigurations", null, "meshlite")]
    [InlineData("create", "", "secrets", Ours, null)]
    [InlineData("get", "", "secrets", Ours, "meshlite-ca")]
    [InlineData("update", "", "secrets", Ours, "meshlite-ca")]
    [InlineData("create", "coordination.k8s.io", "leases", Ours, null)]
    [InlineData("update", "coordination.k8s.io", "leases", Ours, "meshlite-control-plane")]
    public async Task Account_OfTheControlPlane_MayDoItsWork(string verb, string group, string resource, string? ns, string? name) =>
        (await MayAsync(verb, group, resource, ns, name)).ShouldBeTrue();

    [Theory]
    [InlineData("get", "", "secrets", Ours, "other")]
    [InlineData("list", "", "secrets", Ours, null)]
    [InlineData("get", "", "secrets", "shop", "meshlite-ca")]
    [InlineData("delete", "", "secrets", Ours, "meshlite-ca")]
    [InlineData("create", "", "secrets", "shop", null)]
    [InlineData("get", "", "pods", "shop", "orders-1")]
    [InlineData("list", "", "configmaps", null, null)]
    [InlineData("create", "", "pods", null, null)]
    [InlineData("patch", "", "pods", "shop", "orders-1")]
    [InlineData("delete", "", "pods", "shop", "orders-1")]
    [InlineData("create", "", "serviceaccounts/token", "shop", "orders")]
    [InlineData("update", "", "namespaces", null, "shop")]
    [InlineData("patch", "meshlite.dev", "trafficroutes", "shop", "orders")]
    [InlineData("delete", "meshlite.dev", "trafficroutes", "shop", "orders")]
    [InlineData("update", "coordination.k8s.io", "leases", Ours, "other")]
    [InlineData("update", "coordination.k8s.io", "leases", "kube-system", "meshlite-control-plane")]
    [InlineData("patch", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", null, "other")]
    [InlineData("create", "admissionregistration.k8s.io", "mutatingwebhookconfigurations", null, null)]
    [InlineData("create", "rbac.authorization.k8s.io", "clusterrolebindings", null, null)]
    [InlineData("impersonate", "", "users", null, null)]
    public async Task Account_OfTheControlPlane_MayDoNothingElse(string verb, string group, string resource, string? ns, string? name) =>
        (await MayAsync(verb, group, resource, ns, name)).ShouldBeFalse();

    [Fact]
    public async Task PodTemplate_OfTheControlPlane_IsAdmittedWherePodsAreRestricted()
    {
        await ApplyRightsAsync();
        var deployment = await server.ApplyAsync(Documents().Single(d => d.Contains("kind: Deployment", StringComparison.Ordinal)));
        var pod = deployment["spec"]!["template"]!.DeepClone();
        (pod["apiVersion"], pod["kind"]) = ("v1", "Pod");
        (pod["metadata"]!["name"], pod["metadata"]!["namespace"]) = ("template", Ours);

        var restricted = await server.CreateAsync(pod.ToJsonString());
        pod["spec"]!["containers"]![0]!["securityContext"]!["allowPrivilegeEscalation"] = true;
        var privileged = await server.CreateAsync(pod.ToJsonString());

        restricted.Status.ShouldBe(HttpStatusCode.Created, $"{restricted.Body}");
        privileged.Status.ShouldBe(HttpStatusCode.Forbidden, $"{privileged.Body}");
    }

    private static ImmutableArray<string> Documents() => Documents(Base);

    private static ImmutableArray<string> Documents(string folder) =>
        [.. Resources(folder).Select(name => Path.Combine(folder, name)).SelectMany(path => Directory.Exists(path) ? Documents(path) : [.. ApiServer.Split(File.ReadAllText(path))])];

    private static string[] Resources(string folder)
    {
        var kustomization = (MapNode)YamlReader.Read(File.ReadAllText(Path.Combine(folder, "kustomization.yaml"))).Documents.ShouldHaveSingleItem();
        return [.. ((ListNode)kustomization.Find("resources")!.Value).Items.Select(item => ((ScalarNode)item).Text)];
    }

    private async Task<bool> MayAsync(string verb, string group, string resource, string? ns, string? name)
    {
        await ApplyRightsAsync();
        var parts = resource.Split('/');
        var review = new JsonObject
        {
            ["apiVersion"] = "authorization.k8s.io/v1",
            ["kind"] = "SubjectAccessReview",
            ["spec"] = new JsonObject
            {
                ["user"] = Account,
                ["groups"] = new JsonArray("system:serviceaccounts", $"system:serviceaccounts:{Ours}", "system:authenticated"),
                ["resourceAttributes"] = new JsonObject
                {
                    ["verb"] = verb, ["group"] = group, ["resource"] = parts[0], ["subresource"] = parts.ElementAtOrDefault(1), ["namespace"] = ns, ["name"] = name,
                },
            },
        };
        var answer = await server.SendAsync(HttpMethod.Post, "apis/authorization.k8s.io/v1/subjectaccessreviews", review.ToJsonString(), "application/json");
        answer.Status.ShouldBe(HttpStatusCode.Created, $"{answer.Body}");
        return (bool)answer.Body["status"]!["allowed"]!;
    }

    private async Task ApplyRightsAsync()
    {
        foreach (var document in (string[])[File.ReadAllText(Path.Combine(Base, "namespace.yaml")), .. ApiServer.Split(File.ReadAllText(Path.Combine(Base, "rbac.yaml")))])
        {
            await server.ApplyAsync(document);
        }
    }

    private async Task RemoveWebhooksAsync()
    {
        foreach (var document in ApiServer.Split(await File.ReadAllTextAsync(Path.Combine(Base, "webhooks.yaml"), TestContext.Current.CancellationToken)))
        {
            await server.DeleteAsync(document);
        }

        await server.WaitForCreateAsync("apiVersion: meshlite.dev/v1alpha1\nkind: MeshConfig\nmetadata: {name: default}\nspec: {}\n");
    }
}
