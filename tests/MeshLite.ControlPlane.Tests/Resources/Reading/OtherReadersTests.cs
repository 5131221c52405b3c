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
            timeouts: {connect: 250ms, request: 0s}
            """));

        policy.Target.ShouldBe("orders");
        var subset = policy.Subsets.ShouldHaveSingleItem();
        subset.Name.ShouldBe("v1");
        subset.Labels.ShouldBe(new Dictionary<string, string> { ["tier"] = "1", ["version"] = "v1" });
        policy.LoadBalancer.ShouldBe(LoadBalancerType.RoundRobin);
        policy.ConnectTimeout.ShouldBe(TimeSpan.FromMilliseconds(250));
        policy.RequestTimeout.ShouldBe(TimeSpan.Zero);
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
    [InlineData("timeouts: {idle: 5m}", "spec.timeouts.idle: is not supported by this version")]
    [InlineData("circuitBreaker: {}", "spec.circuitBreaker: is not supported by this version")]
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
            """));

        mesh.TrustDomain.ShouldBe("example.org");
        mesh.Mtls.ShouldBe(MtlsMode.Strict);
        mesh.CertificateLifetime.ShouldBe(TimeSpan.FromSeconds(10));
        mesh.ClusterNetworks.ShouldBe([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")]);
        mesh.AccessLog.ShouldBe(AccessLogMode.Off);
    }

    [Theory]
    [InlineData("trustDomain: A", "spec.trustDomain: 'A' is not a trust domain (lower case letters, digits, '.', '-', '_')")]
    [InlineData("mtls: {mode: Off}", "spec.mtls.mode: is 'Off', must be Permissive or Strict")]
    [InlineData("mtls: {certificateLifetime: 1s}", "spec.mtls.certificateLifetime: is 1s, must be from 10s to 2160h")]
    [InlineData("clusterNetworks: [10.0.0.0/33]", "spec.clusterNetworks[0]: '10.0.0.0/33' is not a network such as 10.0.0.0/8")]
    [InlineData("clusterNetworks: 10.0.0.0/8", "spec.clusterNetworks: is the text '10.0.0.0/8', must be a list")]
    [InlineData("tracing: {}", "spec.tracing: is not supported by this version")]
    public void Read_BadMeshConfig_SaysWhatAndWhere(string spec, string error) => ReadBad(Mesh(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);
}
