using MeshLite.Sidecar.LoadBalancing;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

public sealed class ExcludedEndpointsTests
{
    [Fact]
    public void Add_MoreThanItHolds_KeepsTheLastEight()
    {
        var endpoints = Enumerable.Range(0, 10).Select(_ => new object()).ToArray();
        var excluded = default(ExcludedEndpoints);
        excluded.Count.ShouldBe(0);
        excluded.Contains(endpoints[0]).ShouldBeFalse();

        foreach (var endpoint in endpoints)
        {
            excluded.Add(endpoint);
            excluded.Add(endpoint);
            excluded.Contains(endpoint).ShouldBeTrue();
        }

        excluded.Count.ShouldBe(8);
        endpoints.Count(e => excluded.Contains(e)).ShouldBe(8);
        excluded.Contains(endpoints[1]).ShouldBeFalse();
        excluded.Contains(endpoints[2]).ShouldBeTrue();
    }
}
