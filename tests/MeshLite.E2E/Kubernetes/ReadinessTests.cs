using System.Collections.Concurrent;
using MeshLite.E2E.Kubernetes.Kit;
using MeshLite.Kubernetes;

namespace MeshLite.E2E.Kubernetes;

/// <summary>How soon a pod that is no longer ready is left alone: from its status through controller, EndpointSlice, control plane and sidecar to its last request.</summary>
[Collection(KubeCollection.Name)]
public sealed class ReadinessTests(KubeMesh mesh)
{
    private const int Flips = 20;

    [Fact]
    public async Task Readiness_FlippingUnderLoad_LosesNothing()
    {
        KubeCollection.Need();
        var scene = await mesh.SceneAsync();
        using var stop = new CancellationTokenSource();
        var slices = new ConcurrentDictionary<string, DateTimeOffset>();
        var watching = WatchAsync(slices, stop.Token);
        var load = await Load.StartAsync(scene.Caller, Scene.Service, "flips", scene.Servers[0]);
        var (fromStatus, fromSlice) = (new List<double>(), new List<double>());
        for (var i = 0; i < Flips; i++)
        {
            var pod = scene.Servers[i % scene.Servers.Count];
            var before = TimeProvider.System.GetUtcNow();
            var delay = await Scene.FlipAsync(pod);
            fromStatus.Add(delay.TotalMilliseconds);
            fromSlice.Add(Math.Max(0, (before + delay - slices[$"{pod.Pod.Address}"]).TotalMilliseconds));
        }

        await stop.CancelAsync();
        await watching;
        var result = await load.StopAsync(scene.Servers);
        TestContext.Current.TestOutputHelper?.WriteLine($"last request after the status changed: {Describe(fromStatus)}; after the EndpointSlice did: {Describe(fromSlice)}");
        result.ShouldBeWhole();
    }

    private static string Describe(List<double> milliseconds)
    {
        milliseconds.Sort();
        return $"p50 {milliseconds[milliseconds.Count / 2]:0} ms, p99 (greatest of {milliseconds.Count}) {milliseconds[^1]:0} ms";
    }

    // When each address was last said to be unready.
    private async Task WatchAsync(ConcurrentDictionary<string, DateTimeOffset> unready, CancellationToken stop)
    {
        var selection = new Selection { Namespace = KubeMesh.Shop, LabelSelector = $"kubernetes.io/service-name={Scene.Service}" };
        var list = await mesh.Api.Client.ListAsync(ResourceTypes.EndpointSlices, selection, stop);
        try
        {
            await foreach (var seen in mesh.Api.Client.WatchAsync(ResourceTypes.EndpointSlices, selection, list.ResourceVersion, TimeSpan.FromMinutes(5), stop))
            {
                foreach (var endpoint in seen.Object?.Endpoints.Where(endpoint => endpoint.Conditions.Ready == false) ?? [])
                {
                    unready[endpoint.Addresses[0]] = TimeProvider.System.GetUtcNow();
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Enough.
        }
    }
}
