using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>The API server away, forgetful or silent, under load: nobody notices, and what changes afterwards arrives.</summary>
[Collection(KubeCollection.Name)]
public sealed class ApiServerTests(KubeMesh mesh)
{
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Hung = TimeSpan.FromSeconds(40);

    [Fact]
    public async Task ApiServer_Restarted_NobodyNotices() => await DuringAsync("restarted", async () =>
    {
        await mesh.Api.StopApiServerAsync();
        await Task.Delay(Away, TimeProvider.System);
        await mesh.Api.StartApiServerAsync();
    });

    [Fact]
    public async Task ApiServer_ThatForgotItsHistory_IsListedAgain()
    {
        KubeCollection.Need();
        var before = mesh.Replicas.Select(Relists).ToList();
        await DuringAsync("compacted", async () =>
        {
            // Written after what the watches have seen of other kinds, so that their versions are older than all that is left.
            await mesh.NamespaceAsync("forgotten", "disabled");
            await mesh.Api.CompactAsync();
            await mesh.Api.StopApiServerAsync();
            await mesh.Api.StartApiServerAsync();
        });

        await Eventually.TrueAsync(() => Task.FromResult(mesh.Replicas.Select(Relists).Zip(before).All(pair => pair.First > pair.Second)), "both replicas list again");
    }

    [Fact]
    public async Task ApiServer_Hung_NobodyNotices() => await DuringAsync("hung", async () =>
    {
        mesh.Api.Hang(true);
        await Task.Delay(Hung, TimeProvider.System);
        mesh.Api.Hang(false);
    });

    private static int Relists(Replica replica) => replica.Process.Log.Lines.Count(line => line.Contains("The server has forgotten", StringComparison.Ordinal));

    private async Task DuringAsync(string name, Func<Task> trouble)
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        var load = await Load.StartAsync(scene.Caller, Scene.Service, name, scene.Servers[0]);

        await trouble();

        var flip = await Scene.FlipAsync(scene.Servers[1]);
        TestContext.Current.TestOutputHelper?.WriteLine($"the first flip afterwards took {flip.TotalMilliseconds:0} ms");
        (await load.StopAsync(scene.Servers)).ShouldBeWhole();
    }
}
