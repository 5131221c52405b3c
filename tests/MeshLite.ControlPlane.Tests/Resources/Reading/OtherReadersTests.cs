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
    public void Read_MeshConfig_IsRead()
    {
        var mesh = ReadGood<MeshConfigResource>(Mesh("""
            trustDomain: example.org
            mtls: {mode: Strict, certificateLifetime: 10s}
            clusterNetworks: [10.0.0.0/8, "fd00::/8"]
            accessLog: {mode: Off}
            timeouts: {connect: 2s, request: 30s, backendRequest: 10s}
            retry: {attempts: 1, methods: [GET]}
            tracing: {endpoint: "http://collector:4318", protocol: HttpProtobuf, samplingPercent: 0.5}
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
        mesh.Tracing.ShouldBe(new TracingConfig { Endpoint = new Uri("http://collector:4318"), Protocol = OtlpProtocol.HttpProtobuf, SamplingPercent = 0.5 });
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
    [InlineData("tracing: {endpoint: 'collector:4317'}", "spec.tracing.endpoint: 'collector:4317' is not of the form http://HOST:PORT or https://HOST:PORT")]
    [InlineData("tracing: {endpoint: 'http://collector:4318/v1/traces'}", "spec.tracing.endpoint: 'http://collector:4318/v1/traces' is not of the form http://HOST:PORT or https://HOST:PORT")]
    [InlineData("tracing: {endpoint: 'http://user@collector:4317'}", "spec.tracing.endpoint: 'http://user@collector:4317' is not of the form http://HOST:PORT or https://HOST:PORT")]
    [InlineData("tracing: {protocol: Http}", "spec.tracing.protocol: is 'Http', must be Grpc or HttpProtobuf")]
    [InlineData("tracing: {samplingPercent: 100.1}", "spec.tracing.samplingPercent: is 100.1, must be from 0 to 100")]
    [InlineData("opaquePorts: []", "spec.opaquePorts: is not supported by this version")]
    [InlineData("egress: {mode: Forbid}", "spec.egress.mode: is 'Forbid', must be Allow or Deny")]
    [InlineData("egress: {allow: ['*']}", "spec.egress.allow[0]: '*' is none of example.com, *.example.com, 192.0.2.1 and 192.0.2.0/24")]
    [InlineData("egress: {allow: ['example.com:443']}", "spec.egress.allow[0]: 'example.com:443' is none of example.com, *.example.com, 192.0.2.1 and 192.0.2.0/24")]
    [InlineData("egress: {allow: ['192.0.2.0/33']}", "spec.egress.allow[0]: '192.0.2.0/33' is none of example.com, *.example.com, 192.0.2.1 and 192.0.2.0/24")]
    public void Read_BadMeshConfig_SaysWhatAndWhere(string spec, string error) => ReadBad(Mesh(spec)).ShouldHaveSingleItem().ShouldEndWith(": " + error);
}
