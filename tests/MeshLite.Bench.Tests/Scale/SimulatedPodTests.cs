using System.Net;
using MeshLite.Bench.Scale.Cluster;

namespace MeshLite.Bench.Tests.Scale;

public class SimulatedPodTests
{
    // Two pods at one address would make one endpoint, and changes that nobody sees.
    [Fact]
    public void Address_AllPodsOverThreeGenerations_AreDistinctAndValid()
    {
        var addresses = new HashSet<IPAddress>();
        for (var number = 0; number < 20_000; number++)
        {
            var pod = new SimulatedPod(number / 20, number % 20, number);
            for (var generation = 0; generation < 3; generation++)
            {
                addresses.Add(IPAddress.Parse(pod.Address)).ShouldBeTrue(pod.Address);
                pod.Replace();
            }
        }

        addresses.Count.ShouldBe(60_000);
    }
}
