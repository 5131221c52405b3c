using MeshLite.Collector;
using MeshLite.E2E.Kit;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;

namespace MeshLite.E2E;

public sealed class TracingTests
{
    private const string Parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

    [Theory]
    [InlineData("Grpc")]
    [InlineData("HttpProtobuf")]
    public async Task Collector_OfTheMeshConfig_GetsSpansOfBothSidecars(string protocol)
    {
        await using var collector = await OtlpReceiver.StartAsync(overGrpc: protocol == "Grpc");
        await using var mesh = await TestMesh.StartAsync(MeshConfig(collector, protocol, percent: 100));
        var app = await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");

        await client.GetAsync("orders", "/last");

        await Eventually.TrueAsync(() => collector.Spans.Count(IsLast) == 2, "the spans of the last request");
        var outbound = collector.Spans.Single(span => IsLast(span) && span.Kind == "Client");
        var inbound = collector.Spans.Single(span => IsLast(span) && span.Kind == "Server");
        outbound.Parent.ShouldBe("");
        inbound.Parent.ShouldBe(outbound.Id);
        inbound.TraceId.ShouldBe(outbound.TraceId);
        inbound.Service.ShouldBe("orders");
        inbound.Resource["service.namespace"].ShouldBe("shop");
        app.App.Received.Last().Headers["traceparent"].ShouldBe($"00-{inbound.TraceId}-{inbound.Id}-01");

        static bool IsLast(ReceivedSpan span) => span.Attributes["url.path"] == "/last";
    }

    [Fact]
    public async Task Sampling_OfTheMeshConfig_HoldsForTracesThatBeginHereAndNoOthers()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var mesh = await TestMesh.StartAsync(MeshConfig(collector, "Grpc", percent: 0));
        await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");

        for (var i = 0; i < 20; i++)
        {
            await client.GetAsync("orders");
        }

        await client.GetAsync("orders", "/last", ("traceparent", $"{Parent}-01"));

        await Eventually.TrueAsync(() => collector.Spans.Count(span => span.Attributes["url.path"] == "/last") == 2, "the spans of the last request");
        collector.Spans.ShouldAllBe(span => span.Attributes["url.path"] == "/last" || span.Status == "Error");
    }

    [Fact]
    public async Task Collector_ComesAndGoes_WithoutARestart()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var mesh = await TestMesh.StartAsync();
        var app = await mesh.AppAsync("orders");
        var client = await mesh.ClientAsync();
        await client.ReachesAsync("orders");
        await client.GetAsync("orders", "/", ("traceparent", $"{Parent}-01"));
        app.App.Received.Last().Headers["traceparent"].ShouldBe($"{Parent}-01");

        mesh.Save("mesh.yaml", MeshConfig(collector, "Grpc", percent: 100));
        await Eventually.TrueAsync(async () =>
        {
            await client.GetAsync("orders", "/", ("traceparent", $"{Parent}-01"));
            return collector.Spans.Count > 0;
        }, "spans");
        app.App.Received.Last().Headers["traceparent"].ShouldNotBe($"{Parent}-01");
    }

    /// <summary>By those that SSL_CERT_FILE names, and no others; where it names what is not there, the log says that nobody is trusted.</summary>
    [Theory]
    [InlineData("Grpc")]
    [InlineData("HttpProtobuf")]
    public async Task Collector_BehindTls_IsVerifiedByTheAuthoritiesOfTheMachine(string protocol)
    {
        using var directory = new TestDirectory();
        var authority = new TestAuthority(TimeProvider.System);
        await File.WriteAllTextAsync(directory["ca.pem"], authority.Public.ExportCertificatePem());
        using var certificate = authority.Issue(new TestLeaf { Uris = [], Addresses = ["127.0.0.1"] });
        await using var collector = await OtlpReceiver.StartAsync(overGrpc: protocol == "Grpc", certificate);
        await using var mesh = await TestMesh.StartAsync(MeshConfig(collector, protocol, percent: 100));
        var trusting = await mesh.SidecarAsync(Trusting("ca.pem"));
        var other = await mesh.SidecarAsync(Trusting("absent.pem"));
        await using var refused = new MeshClient(other);
        await using var allowed = new MeshClient(trusting);

        await refused.GetAsync("nobody", "/refused");
        await Eventually.TrueAsync(() => other.Process.Log.Lines.Any(line => line.Contains("\"ExportFails\"", StringComparison.Ordinal)), "why it exports nothing");
        await allowed.GetAsync("nobody", "/allowed");
        await Eventually.TrueAsync(() => collector.Spans.Count > 0, "spans");

        collector.Spans.ShouldAllBe(span => span.Attributes["url.path"] == "/allowed");
        other.Process.Log.Lines.Last(line => line.Contains("\"ExportFails\"", StringComparison.Ordinal)).ShouldContain("certificate chain: PartialChain; no authority could be read (SSL_CERT_FILE");

        // The machine that runs this test may have its own.
        SidecarSpec Trusting(string file) => new() { Name = file, Environment = new Dictionary<string, string> { ["SSL_CERT_FILE"] = directory[file], ["SSL_CERT_DIR"] = "" } };
    }

    private static string MeshConfig(OtlpReceiver collector, string protocol, double percent) => $$"""
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec:
          tracing: {endpoint: "{{collector.Address}}", protocol: {{protocol}}, samplingPercent: {{percent}}}

        """;
}
