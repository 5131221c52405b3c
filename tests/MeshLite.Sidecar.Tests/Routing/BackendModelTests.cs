using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Routing;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;

namespace MeshLite.Sidecar.Tests.Routing;

/// <summary>Each load balancer of the policy is told by what it does.</summary>
public sealed class BackendModelTests
{
    private static readonly ServiceRef Orders = new("shop", "orders", 80);

    private readonly ManualTimeProvider _time = new();
    private readonly ServicePool _pool;

    public BackendModelTests()
    {
        _pool = new ServicePool(Orders, new EndpointFactory(new EndpointConnector(null!, null!, null!, _time), new Random(1), _time));
        SetEndpoints(4);
    }

    [Fact]
    public void Pick_RoundRobin_TakesTurns()
    {
        var picks = Picks(Backend(new LoadBalancerConfig { Type = LoadBalancerType.RoundRobin }), 8);

        picks[..4].Distinct().Count().ShouldBe(4);
        picks[4..].ShouldBe(picks[..4]);
    }

    [Fact]
    public void Pick_PeakEwma_MindsLatency()
    {
        _pool.Endpoints[0].Load.Begin();
        _pool.Endpoints[0].Load.End(TimeSpan.FromSeconds(1));

        Picks(Backend(new LoadBalancerConfig()), 500).Distinct().Order().ShouldBe([2, 3, 4]);
    }

    [Fact]
    public void Pick_LeastRequest_MindsWhatIsInFlightButNotLatency()
    {
        _pool.Endpoints[0].Load.Begin();
        _pool.Endpoints[0].Load.End(TimeSpan.FromSeconds(1));
        _pool.Endpoints[1].Load.Begin();

        Picks(Backend(new LoadBalancerConfig { Type = LoadBalancerType.LeastRequest }), 500).Distinct().Order().ShouldBe([1, 3, 4]);
    }

    [Fact]
    public void Pick_Random_MindsNeitherAndTakesNoTurns()
    {
        _pool.Endpoints[0].Load.Begin();
        _pool.Endpoints[0].Load.End(TimeSpan.FromSeconds(1));
        _pool.Endpoints[1].Load.Begin();

        var picks = Picks(Backend(new LoadBalancerConfig { Type = LoadBalancerType.Random }), 500);

        picks.Distinct().Order().ShouldBe([1, 2, 3, 4]);
        picks.Chunk(4).ShouldContain(four => four.Distinct().Count() < 4);
    }

    [Fact]
    public void Pick_RingHash_GoesByTheKeyAndStaysThere()
    {
        var backend = Backend(new LoadBalancerConfig { Type = LoadBalancerType.RingHash, HashOn = new HashKeyConfig(HashKeyType.Header, "x-user") });
        var seen = new HashSet<int>();
        for (var user = 0; user < 50; user++)
        {
            var key = backend.KeyOf(Request($"user-{user}"));
            key.ShouldNotBeNull();
            var picks = Enumerable.Range(0, 10).Select(_ => backend.Pick(default, key).Endpoint!.Config.Address.Port).Distinct().ToArray();
            seen.Add(picks.ShouldHaveSingleItem());
        }

        seen.Order().ShouldBe([1, 2, 3, 4]);
        backend.KeyOf(Request(null)).ShouldBeNull();
    }

    [Fact]
    public void KeyOf_OtherLoadBalancers_IsNone() =>
        Backend(new LoadBalancerConfig { HashOn = new HashKeyConfig(HashKeyType.Header, "x-user") })
            .KeyOf(Request("me")).ShouldBeNull();

    [Theory]
    [InlineData(LoadBalancerType.PeakEwma)]
    [InlineData(LoadBalancerType.RoundRobin)]
    [InlineData(LoadBalancerType.LeastRequest)]
    [InlineData(LoadBalancerType.Random)]
    public void Pick_SlowStart_HoldsBackWhoIsNewUntilItIsOver(LoadBalancerType type)
    {
        var backend = Backend(new LoadBalancerConfig { Type = type, SlowStart = TimeSpan.FromSeconds(30) });
        var without = Backend(new LoadBalancerConfig { Type = type });

        SetEndpoints(5);
        backend.Refresh();
        without.Refresh();

        // 0.1 / 4.1 of 4,000 are 98; a fifth, 800.
        Picks(backend, 4_000).Count(port => port == 5).ShouldBeInRange(50, 150);
        Picks(without, 4_000).Count(port => port == 5).ShouldBeInRange(700, 900);
        _time.Advance(TimeSpan.FromSeconds(30));
        Picks(backend, 4_000).Count(port => port == 5).ShouldBeInRange(700, 900);
    }

    private static DefaultHttpContext Request(string? user)
    {
        var context = new DefaultHttpContext { Connection = { RemoteIpAddress = IPAddress.Loopback } };
        if (user is not null)
        {
            context.Request.Headers["x-user"] = user;
        }

        return context;
    }

    private BackendModel Backend(LoadBalancerConfig config) =>
        new(new BackendConfig { Service = Orders, Policy = new ServicePolicyConfig { LoadBalancer = config } }, _pool, new Random(1), _time);

    private void SetEndpoints(int count) => _pool.Update(new EndpointSetConfig(Orders, [.. Enumerable.Range(1, count).Select(number => new EndpointConfig
    {
        Address = new IPEndPoint(IPAddress.Loopback, number),
        Identity = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders"),
    })]));

    private static int[] Picks(BackendModel backend, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => backend.Pick(default, null).Endpoint!.Config.Address.Port)];
}
