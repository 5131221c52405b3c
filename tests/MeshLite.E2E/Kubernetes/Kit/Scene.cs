using MeshLite.TestKit;

namespace MeshLite.E2E.Kubernetes.Kit;

/// <summary>What most cases are about: three ready pods behind the Service <c>ledger</c>, called in turn, and one that calls it.</summary>
public sealed record Scene(KubePod Caller, IReadOnlyList<KubePod> Servers)
{
    /// <summary>Of the Service.</summary>
    public const string Service = "ledger";

    /// <value>At the load's rate a pod in rotation sees dozens of requests in that time. 1 s.</value>
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Makes it.</summary>
    internal static async Task<Scene> CreateAsync(KubeMesh mesh)
    {
        await mesh.ServiceAsync(Service);
        await mesh.Cluster.ApplyAsync(Policy(Service, Service));
        var servers = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => mesh.PodAsync(KubePodSpec.Server(Service))));
        var scene = new Scene(await mesh.PodAsync(KubePodSpec.Caller("caller")), servers);
        await scene.ReachesAsync();
        return scene;
    }

    /// <summary>A policy by which each endpoint gets its turn, so that all certainly have requests under way.</summary>
    public static string Policy(string name, string service) => $$$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: {{{name}}}, namespace: {{{KubeMesh.Shop}}}}
        spec:
          targetRef: {kind: Service, name: {{{service}}}}
          loadBalancer: {type: RoundRobin}
        """;

    /// <summary>
    /// That news still reach the caller's sidecar, with a load running: a pod that is no longer ready gets no more requests, and some again when it is. Answers
    /// the time from the change of the pod's status to the last request it saw.
    /// </summary>
    public static async Task<TimeSpan> FlipAsync(KubePod pod)
    {
        var changed = TimeProvider.System.GetUtcNow();
        await pod.ReadyAsync(false);
        var last = default(DateTimeOffset);
        await Eventually.TrueAsync(
            async () =>
            {
                last = await pod.LatestAsync();
                await Task.Delay(Quiet, TimeProvider.System);
                return await pod.LatestAsync() == last;
            },
            $"{pod.Pod.Name}, not ready, is left alone", Patience);
        await pod.ReadyAsync(true);
        await Eventually.TrueAsync(async () => await pod.LatestAsync() > last, $"{pod.Pod.Name}, ready again, is called", Patience);
        return last < changed ? TimeSpan.Zero : last - changed;
    }

    /// <summary>Returns once it is answered.</summary>
    public Task ReachesAsync() => Pods.Kit.PodMesh.ReachesAsync(Caller.Pod, $"http://{Service}/hello");
}
