using MeshLite.E2E.Kubernetes.Kit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>Pods as the webhook injects them at a real API server: who they are to each other, and what kubelet and Prometheus see of them.</summary>
[Collection(KubeCollection.Name)]
public sealed class MeshTests(KubeMesh mesh)
{
    [Fact]
    public async Task InjectedPods_CallingEachOther_AreKnownByTheirServiceAccounts()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();

        scene.Caller.Containers.ShouldBe(["meshlite-capture", "meshlite-sidecar", "app"]);
        var caller = $"spiffe://cluster.local/ns/{KubeMesh.Shop}/sa/caller ";
        (await scene.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{Scene.Service}/whoami")).ShouldStartWith(caller);
        (await scene.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{scene.Servers[0].Pod.Address}:8080/whoami")).ShouldStartWith(caller, customMessage: "at its own address");
    }

    [Fact]
    public async Task Strict_KubeletAndPrometheus_AreServedAndNobodyElse()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        var pod = await mesh.PodAsync(KubePodSpec.Server("scraped") with { Annotations = """{prometheus.io/scrape: "true", prometheus.io/port: "8080", prometheus.io/path: /metrics, meshlite.dev/mtls: Strict}""" });

        (await pod.ProbeAsync("app", "readinessProbe")).ShouldBe(200);
        (await Http.StatusAsync(mesh.Kubelet, $"http://{pod.Pod.Address}:8080/hello")).ShouldBe(403, "no certificate");
        (await scene.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{pod.Pod.Address}:8080/hello")).ShouldBe("hello from scraped");
        var annotations = pod.Stored["metadata"]!["annotations"]!;
        var page = await mesh.Kubelet.GetStringAsync($"http://{pod.Pod.Address}:{annotations["prometheus.io/port"]}{annotations["prometheus.io/path"]}");
        page.ShouldContain("pod_app_requests_total ");
        page.ShouldContain("meshlite_connections ");
        await pod.EndAsync();
    }

    [Fact]
    public async Task Job_WhoseApplicationHasEnded_Ends()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        var job = await mesh.PodAsync(KubePodSpec.Caller("job"));
        await Pods.Kit.PodMesh.ReachesAsync(job.Pod, $"http://{Scene.Service}/hello");

        await job.App.TerminateAsync(TimeSpan.FromSeconds(10));

        (await job.EndSidecarAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Namespace_OptedOut_IsLeftAloneAndCalledInPlaintext()
    {
        KubeCollection.Need();
        await mesh.NamespaceAsync("out", "disabled");
        var pod = await mesh.PodAsync(KubePodSpec.Server("plain") with { Namespace = "out" });
        var scene = await mesh.SceneAsync();

        pod.Containers.ShouldBe(["app"]);
        (await scene.Caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{pod.Pod.Address}:8080/whoami")).Trim().ShouldNotContain("spiffe");
        await pod.EndAsync();
    }
}
