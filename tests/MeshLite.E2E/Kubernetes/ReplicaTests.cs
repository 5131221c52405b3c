using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.Kubernetes;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>The control plane's replicas killed, rolled, and all away, under load.</summary>
[Collection(KubeCollection.Name)]
public sealed class ReplicaTests(KubeMesh mesh)
{
    [Fact]
    public async Task Leader_Killed_LeadershipMovesWithin15Seconds() => await DuringAsync("killed", async () =>
    {
        var leader = await Eventually.SomeAsync(mesh.LeaderAsync, "somebody leads", TimeSpan.FromSeconds(30));
        var killed = TimeProvider.System.GetTimestamp();
        await leader.Process.KillAsync();

        await Eventually.TrueAsync(async () => await mesh.LeaderAsync() is { } next && next != leader, "the other leads", TimeSpan.FromSeconds(30));
        var elapsed = TimeProvider.System.GetElapsedTime(killed);
        TestContext.Current.TestOutputHelper?.WriteLine($"leadership moved after {elapsed.TotalSeconds:0.0} s");
        elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(15));
        await leader.StartAsync(mesh.Kubelet);
    });

    [Fact]
    public async Task ControlPlane_Rolled_NobodyNotices() => await DuringAsync("rolled", async () =>
    {
        foreach (var replica in mesh.Replicas)
        {
            (await replica.Process.TerminateAsync(TimeSpan.FromSeconds(30))).ShouldBe(0);
            await replica.StartAsync(mesh.Kubelet);
        }
    });

    [Fact]
    public async Task Webhook_Down_PodsAreRefusedWithAReasonAndRunningOnesUndisturbed() => await DuringAsync("down", async () =>
    {
        await Task.WhenAll(mesh.Replicas.Select(replica => replica.Process.KillAsync()));
        var refused = await Should.ThrowAsync<KubernetesException>(mesh.Cluster.TryApplyAsync(KubePodSpec.Caller("caller").ToYaml("refused", "")));
        TestContext.Current.TestOutputHelper?.WriteLine(refused.Message);
        refused.Message.ShouldContain("failed calling webhook \"namespaces.inject.meshlite.dev\"");
        await mesh.NamespaceAsync("unlabelled", "disabled");
        await mesh.Cluster.ApplyAsync("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: caller, namespace: unlabelled}\n");
        await mesh.Cluster.ApplyAsync((KubePodSpec.Caller("caller") with { Namespace = "unlabelled" }).ToYaml("taken", ""));

        await Task.WhenAll(mesh.Replicas.Select(replica => replica.StartAsync(mesh.Kubelet)));
        var pod = await mesh.PodAsync(KubePodSpec.Caller("caller"));
        pod.Containers.ShouldContain("meshlite-sidecar");
        await pod.EndAsync();
    });

    private async Task DuringAsync(string name, Func<Task> trouble)
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        var load = await Load.StartAsync(scene.Caller, Scene.Service, name, scene.Servers[0]);

        await trouble();

        await Scene.FlipAsync(scene.Servers[1]);
        (await load.StopAsync(scene.Servers)).ShouldBeWhole();
    }
}
