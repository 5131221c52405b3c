using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class TrafficPolicyReaderTests : ReadingTestBase
{
    [Fact]
    public void Read_Policy_IsRead()
    {
        var policy = ReadGood<TrafficPolicyResource>(Policy("""
            subsets:
            - {name: v1, labels: {version: v1, tier: "1"}}
            loadBalancer: {type: RoundRobin, slowStart: 30s}
            retryBudget: {percent: 5, minPerSecond: 0, interval: 1m}
            timeouts: {connect: 250ms, request: 0s, idle: 1h}
            circuitBreaker:
              endpoint: {consecutiveFailures: 0, failureRatio: 0.25, minimumRequests: 5, window: 30s, openFor: 1s, maxOpenFor: 1m, maxEjectedPercent: 30, successesToClose: 3}
              destination: {consecutiveFailures: 7, failureRatio: 1, minimumRequests: 6, window: 1m, openFor: 2s, successesToClose: 4}
              failureCodes: [503, 500]
            concurrency: {maxRequests: 10, maxQueued: 20, queueTimeout: 1s, inboundMaxRequests: 30}
            rateLimit:
              outbound: {requestsPerSecond: 100}
              inbound:
              - {principals: ["spiffe://cluster.local/ns/shop/sa/web", "*/sa/batch", "spiffe://cluster.local/ns/lab/*"], requestsPerSecond: 5, burst: 9}
              - {principals: ["*"], requestsPerSecond: 50}
            """));

        policy.Target.ShouldBe("orders");
        var subset = policy.Subsets.ShouldHaveSingleItem();
        subset.Name.ShouldBe("v1");
        subset.Labels.ShouldBe(new Dictionary<string, string> { ["tier"] = "1", ["version"] = "v1" });
        policy.Outbound.LoadBalancer.ShouldBe(new LoadBalancerConfig { Type = LoadBalancerType.RoundRobin, SlowStart = TimeSpan.FromSeconds(30) });
        policy.Outbound.RetryBudget.ShouldBe(new RetryBudgetConfig { Percent = 5, MinPerSecond = 0, Interval = TimeSpan.FromMinutes(1) });
        policy.ConnectTimeout.ShouldBe(TimeSpan.FromMilliseconds(250));
        policy.RequestTimeout.ShouldBe(TimeSpan.Zero);
        policy.Outbound.IdleTimeout.ShouldBe(TimeSpan.FromHours(1));
        policy.Outbound.EndpointCircuit.ShouldBe(new EndpointCircuitConfig
        {
            ConsecutiveFailures = 0, FailureRatio = 0.25, MinimumRequests = 5, Window = TimeSpan.FromSeconds(30), OpenFor = TimeSpan.FromSeconds(1),
            MaxOpenFor = TimeSpan.FromMinutes(1), MaxEjectedPercent = 30, SuccessesToClose = 3,
        });
        policy.Outbound.DestinationCircuit.ShouldBe(new DestinationCircuitConfig
        {
            ConsecutiveFailures = 7, FailureRatio = 1, MinimumRequests = 6, Window = TimeSpan.FromMinutes(1), OpenFor = TimeSpan.FromSeconds(2), SuccessesToClose = 4,
        });
        policy.Outbound.FailureCodes.ShouldBe(new FailureCodes([500, 503]));
        policy.Outbound.Concurrency.ShouldBe(new ConcurrencyConfig { MaxRequests = 10, MaxQueued = 20, QueueTimeout = TimeSpan.FromSeconds(1) });
        policy.InboundMaxRequests.ShouldBe(30);
        policy.Outbound.RateLimit.ShouldBe(new RateLimitConfig(100, 100));
        policy.InboundRateLimits.Select(l => l.Limit).ShouldBe([new RateLimitConfig(5, 9), new RateLimitConfig(50, 50)]);
        policy.InboundRateLimits[0].Principals.ShouldBe(["spiffe://cluster.local/ns/shop/sa/web", "*/sa/batch", "spiffe://cluster.local/ns/lab/*"]);
    }

    [Fact]
    public void Read_PolicyThatSaysNothing_IsTheDefault()
    {
        var policy = ReadGood<TrafficPolicyResource>(Policy("retryBudget: {}\ncircuitBreaker: {endpoint: {}}\nconcurrency: {}\nrateLimit: {}\nloadBalancer: {}\ntimeouts: {}"));

        policy.Outbound.ShouldBe(ServicePolicyConfig.Default);
        policy.InboundMaxRequests.ShouldBeNull();
        policy.InboundRateLimits.ShouldBeEmpty();
        ReadGood<TrafficPolicyResource>(Policy("circuitBreaker: {destination: {}}")).Outbound.DestinationCircuit.ShouldBe(new DestinationCircuitConfig());
    }

    [Theory]
    [InlineData("subsets: [{name: a}]", "spec.subsets[0].labels: is required")]
    [InlineData("subsets: [{name: a, labels: {}}]", "spec.subsets[0].labels: must name at least one label")]
    [InlineData("subsets: [{name: a, labels: {version: 1}}]", "spec.subsets[0].labels.version: is the number 1, must be text (put it in quotes)")]
    [InlineData("subsets: [{name: a, labels: {-: x}}]", "spec.subsets[0].labels.-: is not a label's name")]
    [InlineData("subsets: [{name: a, labels: {x: 'a b'}}]", "spec.subsets[0].labels.x: 'a b' is not a label's value (up to 63 letters, digits, '-', '_', '.')")]
    [InlineData("subsets: [{name: a, labels: {x: y}}, {name: a, labels: {x: z}}]", "spec.subsets: two subsets are called 'a'")]
    [InlineData("loadBalancer: {type: Best}", "spec.loadBalancer.type: is 'Best', must be PeakEwma, RoundRobin, LeastRequest, Random or RingHash")]
    [InlineData("loadBalancer: {slowStart: 61m}", "spec.loadBalancer.slowStart: is 61m, must be from 0s to 1h")]
    [InlineData("loadBalancer: {hashOn: {source: true}}", "spec.loadBalancer.hashOn: is for RingHash; PeakEwma does not hash")]
    [InlineData("loadBalancer: {type: RingHash, slowStart: 1s}", "spec.loadBalancer.slowStart: is not for RingHash: a share that grows would move keys all the while")]
    [InlineData("loadBalancer: {type: RingHash, hashOn: {}}", "spec.loadBalancer.hashOn: must have exactly one of header, cookie or source")]
    [InlineData("loadBalancer: {type: RingHash, hashOn: {header: a, cookie: b}}", "spec.loadBalancer.hashOn: must have exactly one of header, cookie or source")]
    [InlineData("loadBalancer: {type: RingHash, hashOn: {source: false}}", "spec.loadBalancer.hashOn.source: is the boolean false, must be true")]
    [InlineData("loadBalancer: {type: RingHash, hashOn: {header: 'a b'}}", "spec.loadBalancer.hashOn.header: 'a b' is not a header's name")]
    [InlineData("loadBalancer: {type: RingHash, hashOn: {cookie: 'a=b'}}", "spec.loadBalancer.hashOn.cookie: 'a=b' is not a cookie's name")]
    [InlineData("timeouts: {connect: 0s}", "spec.timeouts.connect: is 0s, must be from 1ms to 1m")]
    [InlineData("timeouts: {idle: 25h}", "spec.timeouts.idle: is 25h, must be from 0s to 24h")]
    [InlineData("timeouts: {backendRequest: 1s}", "spec.timeouts.backendRequest: unknown field; here may stand connect, request or idle")]
    [InlineData("circuitBreaker: {endpoint: {consecutiveFailures: 1001}}", "spec.circuitBreaker.endpoint.consecutiveFailures: is 1001, must be from 0 to 1000")]
    [InlineData("circuitBreaker: {endpoint: {failureRatio: 50}}", "spec.circuitBreaker.endpoint.failureRatio: is 50, must be from 0 to 1")]
    [InlineData("circuitBreaker: {endpoint: {failureRatio: .nan}}", "spec.circuitBreaker.endpoint.failureRatio: is .nan, must be from 0 to 1")]
    [InlineData("circuitBreaker: {endpoint: {failureRatio: '0.5'}}", "spec.circuitBreaker.endpoint.failureRatio: is the text '0.5', must be a number")]
    [InlineData("circuitBreaker: {endpoint: {minimumRequests: 0}}", "spec.circuitBreaker.endpoint.minimumRequests: is 0, must be from 1 to 1000000")]
    [InlineData("circuitBreaker: {endpoint: {window: 500ms}}", "spec.circuitBreaker.endpoint.window: is 500ms, must be from 1s to 5m")]
    [InlineData("circuitBreaker: {endpoint: {openFor: 0s}}", "spec.circuitBreaker.endpoint.openFor: is 0s, must be from 10ms to 1h")]
    [InlineData("circuitBreaker: {endpoint: {maxEjectedPercent: 12.5}}", "spec.circuitBreaker.endpoint.maxEjectedPercent: is the number 12.5, must be a whole number")]
    [InlineData("circuitBreaker: {endpoint: {successesToClose: 0}}", "spec.circuitBreaker.endpoint.successesToClose: is 0, must be from 1 to 100")]
    [InlineData(
        "circuitBreaker: {endpoint: {openFor: 10s, maxOpenFor: 9s}}",
        "spec.circuitBreaker.endpoint.maxOpenFor: openFor (10s) must not be longer than maxOpenFor (9s)")]
    [InlineData("circuitBreaker: {endpoint: {openFor: 6m}}", "spec.circuitBreaker.endpoint.openFor: openFor (6m) must not be longer than maxOpenFor (5m)")]
    [InlineData("circuitBreaker: {destination: {consecutiveFailures: 10001}}", "spec.circuitBreaker.destination.consecutiveFailures: is 10001, must be from 0 to 10000")]
    [InlineData(
        "circuitBreaker: {destination: {maxOpenFor: 1m}}",
        "spec.circuitBreaker.destination.maxOpenFor: unknown field; here may stand consecutiveFailures, failureRatio, minimumRequests, window, openFor or successesToClose")]
    [InlineData("circuitBreaker: {failureCodes: []}", "spec.circuitBreaker.failureCodes: has 0 items, must have 1 to 100")]
    [InlineData("circuitBreaker: {failureCodes: [404]}", "spec.circuitBreaker.failureCodes[0]: is the number 404, must be a status from 500 to 599")]
    [InlineData("concurrency: {maxRequests: 0}", "spec.concurrency.maxRequests: is 0, must be from 1 to 1000000")]
    [InlineData("concurrency: {maxQueued: -1}", "spec.concurrency.maxQueued: is -1, must be from 0 to 1000000")]
    [InlineData("concurrency: {queueTimeout: 0s}", "spec.concurrency.queueTimeout: is 0s, must be from 1ms to 1m")]
    [InlineData("concurrency: {inboundMaxRequests: 0}", "spec.concurrency.inboundMaxRequests: is 0, must be from 1 to 1000000")]
    [InlineData("rateLimit: {outbound: {burst: 5}}", "spec.rateLimit.outbound.requestsPerSecond: is required")]
    [InlineData("rateLimit: {outbound: {requestsPerSecond: 0}}", "spec.rateLimit.outbound.requestsPerSecond: is 0, must be from 1 to 1000000")]
    [InlineData("rateLimit: {outbound: {requestsPerSecond: 1, burst: 0}}", "spec.rateLimit.outbound.burst: is 0, must be from 1 to 1000000")]
    [InlineData("rateLimit: {inbound: {}}", "spec.rateLimit.inbound: is a map of fields, must be a list")]
    [InlineData("rateLimit: {inbound: [{requestsPerSecond: 1}]}", "spec.rateLimit.inbound[0].principals: is required")]
    [InlineData("rateLimit: {inbound: [{principals: [], requestsPerSecond: 1}]}", "spec.rateLimit.inbound[0].principals: has 0 items, must have 1 to 64")]
    [InlineData(
        "rateLimit: {inbound: [{principals: [orders], requestsPerSecond: 1}]}",
        "spec.rateLimit.inbound[0].principals[0]: 'orders' is neither spiffe://<trust-domain>/ns/<namespace>/sa/<service-account> nor that with a * for its beginning or end")]
    [InlineData(
        "rateLimit: {inbound: [{principals: ['*/ns/*'], requestsPerSecond: 1}]}",
        "spec.rateLimit.inbound[0].principals[0]: '*/ns/*' is neither spiffe://<trust-domain>/ns/<namespace>/sa/<service-account> nor that with a * for its beginning or end")]
    [InlineData(
        "rateLimit: {inbound: [{principals: ['cluster.local/ns/shop/*'], requestsPerSecond: 1}]}",
        "spec.rateLimit.inbound[0].principals[0]: 'cluster.local/ns/shop/*' is neither spiffe://<trust-domain>/ns/<namespace>/sa/<service-account> nor that with a * for its beginning or end")]
    [InlineData("retryBudget: {percent: 101}", "spec.retryBudget.percent: is 101, must be from 0 to 100")]
    [InlineData("retryBudget: {minPerSecond: -1}", "spec.retryBudget.minPerSecond: is -1, must be from 0 to 1000000")]
    [InlineData("retryBudget: {interval: 500ms}", "spec.retryBudget.interval: is 500ms, must be from 1s to 1m")]
    [InlineData("outlierEjection: {}", "spec.outlierEjection: is not supported by this version")]
    [InlineData("connection: {}", "spec.connection: is not supported by this version")]
    [InlineData("locality: {}", "spec.locality: is not supported by this version")]
    [InlineData("protocol: {}", "spec.protocol: is not supported by this version")]
    public void Read_BadPolicy_SaysWhatAndWhere(string spec, string error) => ReadBad(Policy(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);

    [Theory]
    [InlineData("{type: RingHash}", LoadBalancerType.RingHash, HashKeyType.Source, "")]
    [InlineData("{type: RingHash, hashOn: {source: true}}", LoadBalancerType.RingHash, HashKeyType.Source, "")]
    [InlineData("{type: RingHash, hashOn: {header: X-User}}", LoadBalancerType.RingHash, HashKeyType.Header, "X-User")]
    [InlineData("{type: RingHash, hashOn: {cookie: sid}}", LoadBalancerType.RingHash, HashKeyType.Cookie, "sid")]
    [InlineData("{type: LeastRequest}", LoadBalancerType.LeastRequest, HashKeyType.Source, "")]
    [InlineData("{type: Random}", LoadBalancerType.Random, HashKeyType.Source, "")]
    public void Read_LoadBalancer_IsRead(string balancer, LoadBalancerType type, HashKeyType key, string name) =>
        ReadGood<TrafficPolicyResource>(Policy($"loadBalancer: {balancer}")).Outbound.LoadBalancer
            .ShouldBe(new LoadBalancerConfig { Type = type, HashOn = new HashKeyConfig(key, name) });
}
