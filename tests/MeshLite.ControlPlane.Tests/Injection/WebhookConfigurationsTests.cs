using System.Text;
using System.Text.Json.Nodes;
using MeshLite.ControlPlane.Injection;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Injection;

public sealed class WebhookConfigurationsTests
{
    private const string Mutating = """
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "meshlite"}, "webhooks": [
          {"name": "a.meshlite.dev", "clientConfig": {"service": {"namespace": "meshlite-system", "name": "x"}}, "sideEffects": "None", "admissionReviewVersions": ["v1"]},
          {"name": "b.meshlite.dev", "clientConfig": {"url": "https://localhost/", "caBundle": "b2xk"}, "sideEffects": "None", "admissionReviewVersions": ["v1"]}]}
        """;

    private string _bundle = "one";

    [Fact]
    public async Task Reconcile_OldBundle_IsReplacedInAllOnceAndNothingElse()
    {
        var time = new ManualTimeProvider();
        await using var server = FakeApiServer.InProcess(time);
        var before = server.Put(Mutating);
        server.Put(Mutating.Replace("Mutating", "Validating", StringComparison.Ordinal));
        using var client = server.CreateClient(time);
        var configurations = new WebhookConfigurations(client, () => _bundle, time, NullLogger<WebhookConfigurations>.Instance);

        await configurations.ReconcileAsync(CancellationToken.None);
        await configurations.ReconcileAsync(CancellationToken.None);

        server.Requests.Count(r => r.StartsWith("PATCH", StringComparison.Ordinal)).ShouldBe(2);
        var after = server.Find(ResourceTypes.MutatingWebhookConfigurations, new ObjectKey(null, "meshlite")).ShouldNotBeNull();
        Bundles(after).ShouldBe(["one", "one"]);
        after["webhooks"]![0]!["clientConfig"]!["service"]!.ToJsonString().ShouldBe(before["webhooks"]![0]!["clientConfig"]!["service"]!.ToJsonString());
        _bundle = "two";
        await configurations.ReconcileAsync(CancellationToken.None);
        Bundles(server.Find(ResourceTypes.ValidatingWebhookConfigurations, new ObjectKey(null, "meshlite"))!).ShouldBe(["two", "two"]);
    }

    [Fact]
    public async Task Reconcile_NoConfigurations_DoesNothing()
    {
        var time = new ManualTimeProvider();
        await using var server = FakeApiServer.InProcess(time);
        using var client = server.CreateClient(time);

        await new WebhookConfigurations(client, () => _bundle, time, NullLogger<WebhookConfigurations>.Instance).ReconcileAsync(CancellationToken.None);

        server.Requests.ShouldAllBe(r => r.StartsWith("GET", StringComparison.Ordinal));
    }

    [Fact]
    public void PatchFor_Differs_NamesTheVersionItIsBasedOn()
    {
        var json = Mutating.Replace("\"name\": \"meshlite\"", "\"name\": \"meshlite\", \"resourceVersion\": \"17\"", StringComparison.Ordinal);

        var patch = JsonNode.Parse(WebhookConfigurations.PatchFor(RawObject.Parse(json), "one").ShouldNotBeNull())!;

        patch["metadata"]!["resourceVersion"]!.GetValue<string>().ShouldBe("17");
    }

    private static IEnumerable<string> Bundles(JsonObject configuration) =>
        configuration["webhooks"]!.AsArray().Select(webhook => Encoding.ASCII.GetString(Convert.FromBase64String(webhook!["clientConfig"]!["caBundle"]!.GetValue<string>())));
}
