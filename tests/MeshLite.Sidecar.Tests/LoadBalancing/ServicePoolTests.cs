using System.Collections.Immutable;
using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.LoadBalancing;

/// <summary>Which endpoints count as new.</summary>
public sealed class ServicePoolTests
{
    private static readonly ServiceRef Orders = new("shop", "orders", 80);

    private readonly ManualTimeProvider _time = new();
    private readonly ServicePool _pool;

    public ServicePoolTests() => _pool = new ServicePool(Orders, new EndpointFactory(new EndpointConnector(null!, null!, null!, _time), new Random(1), _time));

    [Fact]
    public void Update_FirstSet_IsWarmAndWhoComesLaterIsNew()
    {
        Update(Endpoint(1), Endpoint(2));
        _time.Advance(TimeSpan.FromMinutes(1));
        var came = _time.GetTimestamp();
        Update(Endpoint(1), Endpoint(2), Endpoint(3));
        _time.Advance(TimeSpan.FromMinutes(1));
        Update(Endpoint(1), Endpoint(3));

        JoinedAt().ShouldBe([(1, SlowStart.AlwaysThere), (3, came)]);
    }

    [Fact]
    public void Update_FirstSetIsEmpty_WhoComesThenIsNew()
    {
        Update();
        Update(Endpoint(1));

        JoinedAt().ShouldBe([(1, _time.GetTimestamp())]);
    }

    [Fact]
    public void Update_SameInstanceUnderOtherLabels_IsAsWarmAsBefore()
    {
        Update(Endpoint(1));
        Update(Endpoint(1), Endpoint(2));
        var came = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMinutes(1));
        Update(Endpoint(1, version: "v2"), Endpoint(2, version: "v2"));

        JoinedAt().ShouldBe([(1, SlowStart.AlwaysThere), (2, came)]);
    }

    [Fact]
    public void Update_AnotherInstanceAtTheAddress_IsNew()
    {
        Update(Endpoint(1));
        Update(Endpoint(1, workload: "orders-b"));

        JoinedAt().ShouldBe([(1, _time.GetTimestamp())]);
    }

    [Fact]
    public void Update_AnyEndpoints_HashIdsAreOfTheirAddressesAlone()
    {
        Update(Endpoint(1), Endpoint(2, version: "v2"));
        var (first, second) = (_pool.Endpoints[0].HashId, _pool.Endpoints[1].HashId);

        first.ShouldNotBe(second);
        Update(Endpoint(1, version: "v2", workload: "orders-b"));
        _pool.Endpoints[0].HashId.ShouldBe(first);
    }

    private static EndpointConfig Endpoint(int number, string version = "v1", string workload = "orders-a") => new()
    {
        Address = new IPEndPoint(IPAddress.Loopback, number),
        Identity = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"),
        Workload = workload,
        Labels = ImmutableSortedDictionary<string, string>.Empty.Add("version", version),
    };

    private void Update(params EndpointConfig[] endpoints) => _pool.Update(new EndpointSetConfig(Orders, [.. endpoints]));

    private (int Number, long JoinedAt)[] JoinedAt() => [.. _pool.Endpoints.Select(e => (e.Config.Address.Port, e.JoinedAt))];
}
