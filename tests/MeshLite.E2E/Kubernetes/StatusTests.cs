using System.Globalization;
using System.Text.Json.Nodes;
using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes;

/// <summary>What the control plane says of resources: by the leader, of the sidecars of both replicas.</summary>
[Collection(KubeCollection.Name)]
public sealed class StatusTests(KubeMesh mesh)
{
    private const int Changes = 10;

    /// <value>An object's status is written at most once a second: longer than that, so that each change is the first. 2 s.</value>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task TrafficPolicy_SecondOfAService_IsRefusedUntilTheFirstIsGone()
    {
        KubeCollection.Need();
        await mesh.ServiceAsync("twice");
        await mesh.Cluster.ApplyAsync(Scene.Policy("first", "twice"));
        await ConditionAsync("first", "Accepted", "True", "Accepted");
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System); // ages are whole seconds
        await mesh.Cluster.ApplyAsync(Scene.Policy("second", "twice"));

        (await ConditionAsync("second", "Accepted", "False", "Conflicted"))["message"]!.GetValue<string>().ShouldContain("shop/first");
        await ConditionAsync("first", "Accepted", "True", "Accepted");

        await mesh.Cluster.DeleteAsync("TrafficPolicy", KubeMesh.Shop, "first");
        await ConditionAsync("second", "Accepted", "True", "Accepted");
        await mesh.Cluster.DeleteAsync("TrafficPolicy", KubeMesh.Shop, "second");
    }

    [Fact]
    public async Task TrafficPolicy_Changed_IsProgrammedInAllSidecars()
    {
        KubeCollection.Need();
        await mesh.SceneAsync();
        var times = new List<double>();
        for (var i = 0; i < Changes; i++)
        {
            await Task.Delay(Rest, TimeProvider.System);
            var started = TimeProvider.System.GetTimestamp();
            var stored = await mesh.Cluster.ApplyAsync(Scene.Policy(Scene.Service, Scene.Service) + $"\n  timeouts: {{request: {20 + i}s}}");
            var generation = stored["metadata"]!["generation"]!.GetValue<long>();
            var programmed = await ConditionAsync(Scene.Service, "Programmed", "True", "Programmed", generation);
            times.Add(TimeProvider.System.GetElapsedTime(started).TotalMilliseconds);
            programmed["message"]!.GetValue<string>().ShouldContain("4/4");
        }

        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"applied to Programmed: p50 {times[Changes / 2]:0} ms, greatest of {Changes} {times[^1]:0} ms"));
        await mesh.Cluster.ApplyAsync(Scene.Policy(Scene.Service, Scene.Service));
    }

    // Waits for it.
    private Task<JsonNode> ConditionAsync(string policy, string type, string status, string reason, long generation = 1) => Eventually.SomeAsync(
        async () =>
        {
            var conditions = (await mesh.Cluster.FindAsync("TrafficPolicy", KubeMesh.Shop, policy))!["status"]?["conditions"]?.AsArray() ?? [];
            return conditions.FirstOrDefault(c =>
                c!["type"]!.GetValue<string>() == type && c["status"]!.GetValue<string>() == status && c["reason"]!.GetValue<string>() == reason
                && c["observedGeneration"]!.GetValue<long>() >= generation);
        },
        $"{policy}: {type} {status} {reason}", Patience);
}
