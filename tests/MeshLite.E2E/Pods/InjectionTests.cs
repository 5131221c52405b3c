using MeshLite.E2E.Pods.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Pods;

/// <summary>Pods as injection makes them, under Strict: what the kubelet and Prometheus, who have no certificate, see of them, and what nobody else does.</summary>
[Collection(PodCollection.Name)]
public sealed class InjectionTests(PodMesh mesh)
{
    private const string Server = """
        {"metadata": {"name": "server", "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "prometheus.io/path": "/metrics", "meshlite.dev/opaque-ports": "7025"}},
         "spec": {"containers": [{"name": "app", "image": "app", "ports": [{"name": "http", "containerPort": 8080}],
           "startupProbe": {"httpGet": {"path": "/hello", "port": "http", "httpHeaders": [{"name": "X-$(NAME)", "value": "$$ \"quoted\""}]}},
           "livenessProbe": {"tcpSocket": {"port": 9090}},
           "readinessProbe": {"httpGet": {"path": "/nowhere", "port": 8080}}}]}}
        """;

    private const string Caller = """{"metadata": {"name": "caller"}, "spec": {"containers": [{"name": "job", "image": "app"}]}}""";

    [Fact]
    public async Task InjectedPods_UnderStrict_AreProbedScrapedAndCalledByTheMeshOnly()
    {
        Tools.Need("curl");
        mesh.Mtls("Strict");
        try
        {
            var node = await mesh.PodAsync("node");
            var server = await InjectedPod.StartAsync(mesh, await mesh.PodAsync("injected"), node, "injected", Server, appPort: 8080);
            server.Outputs["meshlite-capture"].ShouldContain("outgoing TCP goes to port 15001");
            (await server.ProbeAsync("app", "startupProbe")).ShouldBe("503", "no application yet");
            await PodMesh.AppAsync(server.Pod, "injected");
            var caller = await InjectedPod.StartAsync(mesh, await mesh.PodAsync("injectedcaller"), node, "job", Caller);

            // The kubelet
            (await server.ProbeAsync("app", "startupProbe")).ShouldBe("200");
            (await server.ProbeAsync("app", "livenessProbe")).ShouldBe("200");
            (await server.ProbeAsync("app", "readinessProbe")).ShouldBe("426", "as the application answers where it speaks gRPC only");

            // Prometheus
            var annotations = server.Injected["metadata"]!["annotations"]!;
            var page = (await node.TryAsync("curl", "-sS", "-m", "10", $"http://{server.Pod.Address}:{annotations["prometheus.io/port"]}{annotations["prometheus.io/path"]}")).Output;
            page.ShouldContain("pod_app_requests_total ");
            page.ShouldContain("meshlite_connections ");

            // The mesh, and nobody else
            (await caller.Pod.RunAsync("curl", "-sS", "-m", "10", $"http://{server.Pod.Address}:8080/whoami")).ShouldStartWith("spiffe://cluster.local/ns/shop/sa/job ");
            (await node.TryAsync("curl", "-sS", "-m", "10", $"http://{server.Pod.Address}:8080/hello")).Output.ShouldNotContain("hello from");

            // The job has done its work: its sidecar goes, and says that all is well.
            (await caller.StopSidecarAsync()).ShouldBe(0);
            (await server.StopSidecarAsync()).ShouldBe(0);
        }
        finally
        {
            mesh.Mtls("Permissive");
        }
    }
}
