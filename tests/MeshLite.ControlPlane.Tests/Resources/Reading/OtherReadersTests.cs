using System.Net;
using MeshLite.ControlPlane.Resources;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Resources.Reading;

public sealed class OtherReadersTests : ReadingTestBase
{
    [Fact]
    public void Read_Service_IsRead()
    {
        var service = ReadGood<ServiceResource>(Service("""
            selector: {app: orders}
            type: ClusterIP
            ports:
            - {name: http, port: 80, targetPort: 8080, protocol: TCP, appProtocol: http}
            - {name: h2c, port: 81, appProtocol: kubernetes.io/h2c}
            - {name: redis, port: 82, appProtocol: redis}
            - {name: own, port: 83, appProtocol: example.com/own}
            - {name: any, port: 84}
            """));

        service.Service.ShouldBe(new ServiceKey("shop", "orders"));
        service.Ports.ShouldBe(
        [
            new ServicePort("http", 80, 8080, AppProtocol.Http), new ServicePort("h2c", 81, null, AppProtocol.Http),
            new ServicePort("redis", 82, null, AppProtocol.Tcp), new ServicePort("own", 83, null, AppProtocol.Detect),
            new ServicePort("any", 84, null, AppProtocol.Detect),
        ]);
    }

    [Theory]
    [InlineData("ports: []", "spec.ports: has 0 items, must have 1 to 64")]
    [InlineData("ports: [{name: a}]", "spec.ports[0].port: is required")]
    [InlineData("ports: [{port: 80, targetPort: http}]", "spec.ports[0].targetPort: is the text 'http', must be a whole number")]
    [InlineData("ports: [{port: 80, protocol: UDP}]", "spec.ports[0].protocol: is 'UDP', must be TCP")]
    [InlineData("ports: [{port: 80, name: a}, {port: 80, name: b}]", "spec.ports: port 80 is given twice")]
    [InlineData("ports: [{port: 80, name: a}, {port: 81, name: a}]", "spec.ports: the name 'a' is given twice")]
    [InlineData("ports: [{port: 80}, {port: 81}]", "spec.ports: of several ports each needs a name")]
    [InlineData("type: LoadBalancer\nports: [{port: 80}]", "spec.type: is 'LoadBalancer', must be ClusterIP")]
    public void Read_BadService_SaysWhatAndWhere(string spec, string error) => ReadBad(Service(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);

    [Fact]
    public void Read_Policy_IsRead()
    {
        var policy = ReadGood<TrafficPolicyResource>(Policy("""
            subsets:
            - {name: v1, labels: {version: v1, tier: "1"}}
            loadBalancer: {type: RoundRobin}
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
        policy.Outbound.LoadBalancer.Type.ShouldBe(LoadBalancerType.RoundRobin);
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
        var policy = ReadGood<TrafficPolicyResource>(Policy("circuitBreaker: {endpoint: {}}\nconcurrency: {}\nrateLimit: {}\nloadBalancer: {}\ntimeouts: {}"));

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
    [InlineData("loadBalancer: {type: RingHash}", "spec.loadBalancer.type: RingHash is not supported by this version (only PeakEwma or RoundRobin)")]
    [InlineData("loadBalancer: {type: Best}", "spec.loadBalancer.type: is 'Best', must be PeakEwma or RoundRobin")]
    [InlineData("loadBalancer: {slowStart: 30s}", "spec.loadBalancer.slowStart: is not supported by this version")]
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
    [InlineData("retryBudget: {}", "spec.retryBudget: is not supported by this version")]
    public void Read_BadPolicy_SaysWhatAndWhere(string spec, string error) => ReadBad(Policy(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);

    [Fact]
    public void Read_MeshConfig_IsRead()
    {
        var mesh = ReadGood<MeshConfigResource>(Mesh("""
            trustDomain: example.org
            mtls: {mode: Strict, certificateLifetime: 10s}
            clusterNetworks: [10.0.0.0/8, "fd00::/8"]
            accessLog: {mode: Off}
            timeouts: {connect: 2s, request: 30s, backendRequest: 10s}
            retry: {attempts: 1, methods: [GET]}
            """));

        mesh.TrustDomain.ShouldBe("example.org");
        mesh.Mtls.ShouldBe(MtlsMode.Strict);
        mesh.CertificateLifetime.ShouldBe(TimeSpan.FromSeconds(10));
        mesh.ClusterNetworks.ShouldBe([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")]);
        mesh.AccessLog.ShouldBe(AccessLogMode.Off);
        mesh.ConnectTimeout.ShouldBe(TimeSpan.FromSeconds(2));
        mesh.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(30));
        mesh.BackendRequestTimeout.ShouldBe(TimeSpan.FromSeconds(10));
        mesh.Retry.Attempts.ShouldBe(1);
        mesh.Retry.Methods.ShouldBe(["GET"]);
    }

    [Theory]
    [InlineData("trustDomain: A", "spec.trustDomain: 'A' is not a trust domain (lower case letters, digits, '.', '-', '_')")]
    [InlineData("mtls: {mode: Off}", "spec.mtls.mode: is 'Off', must be Permissive or Strict")]
    [InlineData("mtls: {certificateLifetime: 1s}", "spec.mtls.certificateLifetime: is 1s, must be from 10s to 2160h")]
    [InlineData("clusterNetworks: [10.0.0.0/33]", "spec.clusterNetworks[0]: '10.0.0.0/33' is not a network such as 10.0.0.0/8")]
    [InlineData("clusterNetworks: 10.0.0.0/8", "spec.clusterNetworks: is the text '10.0.0.0/8', must be a list")]
    [InlineData("timeouts: {request: 1s, backendRequest: 2s}", "spec.timeouts.backendRequest: is longer than request, which covers all attempts")]
    [InlineData("timeouts: {idle: 1m}", "spec.timeouts.idle: unknown field; here may stand connect, request or backendRequest")]
    [InlineData("retry: {attempts: 11}", "spec.retry.attempts: is 11, must be from 0 to 10")]
    [InlineData("tracing: {}", "spec.tracing: is not supported by this version")]
    public void Read_BadMeshConfig_SaysWhatAndWhere(string spec, string error) => ReadBad(Mesh(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);
}
