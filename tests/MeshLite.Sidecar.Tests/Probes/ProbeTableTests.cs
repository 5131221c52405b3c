using MeshLite.Hosting;
using MeshLite.Sidecar.Probes;

namespace MeshLite.Sidecar.Tests.Probes;

public sealed class ProbeTableTests
{
    [Fact]
    public void Parse_EveryHandler_IsReadWhole()
    {
        var probes = ProbeTable.Parse("--probes", """
            {"app/liveness": {"httpGet": {"path": "live?x=%2F", "port": 8443, "scheme": "HTTPS", "httpHeaders": [{"name": "Host", "value": "a"}]}, "timeoutSeconds": 3},
             "app/readiness": {"tcpSocket": {"port": 5432}},
             "db/startup": {"grpc": {"port": 9090, "service": "x"}},
             "db/preStop": {"httpGet": {"port": 80}}}
            """);

        var http = probes["app/liveness"].ShouldBeOfType<HttpProbe>();
        (http.Port, http.Timeout, http.IsHttps, http.Path, http.Headers.Single()).ShouldBe((8443, TimeSpan.FromSeconds(3), true, "/live?x=%2F", ("Host", "a")));
        probes["app/readiness"].ShouldBe(new TcpProbe(5432, TimeSpan.FromSeconds(1)));
        probes["db/startup"].ShouldBe(new GrpcProbe(9090, TimeSpan.FromSeconds(1), "x"));
        probes["db/preStop"].Timeout.ShouldBe(Timeout.InfiniteTimeSpan);
        probes.Count.ShouldBe(4);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("{}")]
    public void Parse_Nothing_IsNone(string? json) => ProbeTable.Parse("--probes", json).ShouldBeEmpty();

    [Theory]
    [InlineData("[]", "")]
    [InlineData("{", "")]
    [InlineData("""{"app": {"tcpSocket": {"port": 1}}}""", "'app' is not CONTAINER/KIND")]
    [InlineData("""{"app/other": {"tcpSocket": {"port": 1}}}""", "'app/other' is not CONTAINER/KIND")]
    [InlineData("""{"app/liveness": {}}""", "app/liveness: needs one of httpGet, tcpSocket, grpc")]
    [InlineData("""{"app/liveness": {"exec": {"port": 1}}}""", "app/liveness: needs one of")]
    [InlineData("""{"app/liveness": {"tcpSocket": {"port": 1}, "grpc": {"port": 1}}}""", "app/liveness: both tcpSocket and grpc")]
    [InlineData("""{"app/liveness": {"tcpSocket": {"port": "http"}}}""", "")]
    [InlineData("""{"app/liveness": {"tcpSocket": {"port": 0}}}""", "app/liveness: needs a port")]
    [InlineData("""{"app/liveness": {"tcpSocket": {}}}""", "app/liveness: needs a port")]
    [InlineData("""{"app/liveness": {"tcpSocket": {"port": 1, "host": "x"}}}""", "app/liveness: unknown field 'host'")]
    [InlineData("""{"app/liveness": {"httpGet": {"port": 1, "scheme": "ftp"}}}""", "app/liveness: scheme 'ftp'")]
    [InlineData("""{"app/liveness": {"tcpSocket": {"port": 1}, "timeoutSeconds": "1"}}""", "")]
    public void Parse_Wrong_IsTheOptionsFault(string json, string says)
    {
        var wrong = Should.Throw<StartupException>(() => ProbeTable.Parse("--probes", json));

        wrong.Message.ShouldStartWith("--probes: ");
        wrong.Message.ShouldContain(says);
        wrong.ExitCode.ShouldBe(CommandLineRunner.WrongOption);
    }
}
