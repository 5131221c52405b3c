using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.E2E.Pods.Kit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>A Deployment's pods replaced under load, one more than needed at a time: the new one is ready, then an old one is deleted.</summary>
[Collection(KubeCollection.Name)]
public sealed class RolloutTests(KubeMesh mesh)
{
    [Theory]
    [InlineData("careful", "", 0)]
    [InlineData("hooked", "--exit-at-once", 2)]
    public async Task Rollout_UnderLoad_LosesAndDoublesNothing(string name, string option, int sleepSeconds)
    {
        KubeCollection.Need();
        await mesh.ServiceAsync(name);
        await mesh.Cluster.ApplyAsync(Scene.Policy(name, name));
        var spec = KubePodSpec.Server(name, option.Length == 0 ? [] : [option]) with { SleepSeconds = sleepSeconds };
        var pods = new List<KubePod> { await mesh.PodAsync(spec), await mesh.PodAsync(spec) };
        var caller = await mesh.PodAsync(KubePodSpec.Caller("roller"));
        await PodMesh.ReachesAsync(caller.Pod, $"http://{name}/hello");
        var load = await Load.StartAsync(caller, name, name, pods[0]);

        foreach (var old in pods.ToArray())
        {
            pods.Add(await mesh.PodAsync(spec));
            await old.EndAsync();
        }

        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        var result = await load.StopAsync(pods);
        result.ShouldBeWhole();
        result.ByPod.ShouldAllBe(seen => seen > 50);
        await Task.WhenAll(pods.Skip(2).Append(caller).Select(pod => pod.EndAsync()));
    }
}
