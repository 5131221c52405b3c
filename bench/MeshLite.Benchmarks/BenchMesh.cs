using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.LoadBalancing;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.Sidecar.Routing;
using Microsoft.AspNetCore.Http.Features;

namespace MeshLite.Benchmarks;

/// <summary>One Service as a sidecar sees it: the program's own types on its own clock and random source, with nothing behind the endpoints.</summary>
internal sealed class BenchMesh
{
    public static readonly AttemptSettings Settings = new(TimeProvider.System, SharedRandom.Instance);

    private static readonly ServiceRef Orders = new("shop", "orders", 80);

    /// <summary>Endpoints that are all equally near but not equally fast.</summary>
    public BenchMesh(int endpoints, LoadBalancerType balancer = LoadBalancerType.PeakEwma, HttpMessageHandler? handler = null)
    {
        handler ??= new SocketsHttpHandler();
        var identity = SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/orders");
        Pool = new ServicePool(Orders, new EndpointFactory(null!, SharedRandom.Instance, TimeProvider.System, handlers: _ => handler));

        // Whoever is out stays out for the whole run: no benchmark is to meet a probe.
        var policy = new ServicePolicyConfig
        {
            LoadBalancer = new LoadBalancerConfig { Type = balancer },
            EndpointCircuit = new EndpointCircuitConfig { OpenFor = TimeSpan.FromHours(1), MaxOpenFor = TimeSpan.FromHours(1) },
        };
        Pool.State.Apply(policy);
        Pool.Update(new EndpointSetConfig(Orders,
        [
            .. Enumerable.Range(0, endpoints).Select(i => new EndpointConfig
            {
                Address = new IPEndPoint(new IPAddress([10, 1, (byte)(i >> 8), (byte)i]), 8080),
                Identity = identity,
                Workload = $"orders-{i}",
            }),
        ]));
        for (var i = 0; i < endpoints; i++)
        {
            Pool.Endpoints[i].Load.Begin();
            Pool.Endpoints[i].Load.End(TimeSpan.FromMilliseconds(31 + (i % 50)));
        }

        Backend = new BackendModel(new BackendConfig { Service = Orders, Policy = policy }, Pool, SharedRandom.Instance, TimeProvider.System);
    }

    public ServicePool Pool { get; }

    public BackendModel Backend { get; }

    /// <summary>Ejects the first endpoint.</summary>
    public void EjectOne()
    {
        for (var i = 0; i < 5; i++)
        {
            Pool.State.Ejector.Record(Pool.Endpoints[0].Health, AttemptOutcome.Failure, wasProbe: false);
        }

        if (Pool.State.Ejector.OutCount != 1)
        {
            throw new InvalidOperationException("the endpoint is not out");
        }
    }

    /// <summary>A request that has been routed to the Service by a rule that says nothing, or what <paramref name="rule"/> says.</summary>
    public RequestState Routed(RouteRuleConfig? rule = null)
    {
        rule = (rule ?? new RouteRuleConfig { Name = "orders/everyone" }) with { Backends = [new WeightedBackendConfig(0, 1)] };
        var state = new RequestState(Settings);
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(new HttpRequestFeature { Method = "GET", RawTarget = "/items" });
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        state.Begin(features, TimeProvider.System.GetTimestamp());
        state.Rule = new RouteRuleModel(rule, null, null, Settings);
        state.Backend = Backend;
        return state;
    }
}
