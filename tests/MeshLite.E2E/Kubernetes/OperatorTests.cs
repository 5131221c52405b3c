using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.Processes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>meshctl check and status in a cluster: by a token of the service account that <c>manifests/</c> installs, of the sidecars of both replicas.</summary>
[Collection(KubeCollection.Name)]
public sealed class OperatorTests(KubeMesh mesh)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task CheckAndStatus_APodOutsideCallsInPlaintext_NamesItAndWhatToDo()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        await mesh.NamespaceAsync("outside", "disabled");
        var legacy = await mesh.PodAsync(KubePodSpec.Caller("legacy") with { Namespace = "outside" });
        await legacy.Pod.RunAsync("curl", "-sSf", $"http://{scene.Servers[0].Pod.Address}:8080/hello");
        string[] access =
        [
            "--control-plane", $"{mesh.Replicas[0].Pod.Address}:15012", "--control-plane-ca", await WriteAsync("operator-ca.pem", await CaAsync()),
            "--token-file", await WriteAsync("operator.token", await mesh.Cluster.TokenAsync(KubeMesh.Own, "meshlite-operator", "meshlite-control-plane", 3600)),
        ];

        await Eventually.TrueAsync(async () => (await MeshctlAsync(["check", "--kubeconfig", mesh.Api.Kubeconfig, .. access])).ExitCode == 0, "nothing fails", Patience);
        var check = string.Join('\n', Said(await MeshctlAsync(["check", "--kubeconfig", mesh.Api.Kubeconfig, .. access])));
        check.ShouldContain("2 replicas heard");
        check.ShouldContain("ok       kinds");
        check.ShouldContain("MutatingWebhookConfiguration meshlite believes the mesh's roots");

        var sidecars = Said(await MeshctlAsync(["status", "--namespace", KubeMesh.Shop, .. access])).Where(l => l.StartsWith("shop ", StringComparison.Ordinal)).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        scene.Servers.Append(scene.Caller).Select(p => p.Pod.Name).ShouldBeSubsetOf(sidecars);

        await Eventually.TrueAsync(
            async () => Said(await MeshctlAsync(["status", "--plaintext", .. access])) is var said
                && said.Any(l => l.StartsWith($"pod outside/{legacy.Pod.Name} (no sidecar)  ledger  shop ", StringComparison.Ordinal))
                && said.Contains("- outside: kubectl label namespace outside meshlite.dev/inject=enabled, then restart its pods: they get a sidecar"),
            "the call is told, with what to do", Patience);

        var other = await WriteAsync("default.token", await mesh.Cluster.TokenAsync(KubeMesh.Shop, "ledger", "meshlite-control-plane", 3600));
        (await MeshctlAsync(["status", .. access[..^1], other])).ExitCode.ShouldBe(1);
    }

    private async Task<string> CaAsync() =>
        System.Text.Encoding.ASCII.GetString(Convert.FromBase64String(await mesh.KubectlAsync("-n", KubeMesh.Own, "get", "secret", "meshlite-ca", "-o", "jsonpath={.data.ca\\.crt}")));

    private async Task<string> WriteAsync(string name, string content)
    {
        var path = Path.Combine(mesh.Directory, name);
        await File.WriteAllTextAsync(path, content);
        return path;
    }

    private Task<ManagedProcess> MeshctlAsync(params string[] arguments) =>
        mesh.Launcher.RunAsync(new ProcessSpec { Name = "meshctl", FileName = mesh.Programs.Meshctl, Arguments = arguments }, TimeSpan.FromSeconds(60));

    private static List<string> Said(ManagedProcess process) => [.. process.Log.Lines.Where(l => !l.StartsWith("---", StringComparison.Ordinal))];
}
