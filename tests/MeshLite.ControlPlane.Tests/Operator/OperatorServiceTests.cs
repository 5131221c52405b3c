using MeshLite.ControlPlane.Tests.Streaming;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Operator;

/// <summary>What an operator is told, and that nobody else is told anything: a whole standalone control plane over real TLS.</summary>
public sealed class OperatorServiceTests : IAsyncLifetime
{
    private readonly ControlPlaneFixture _mesh = new();

    public async ValueTask InitializeAsync() => await _mesh.StartAsync();

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();

    [Theory]
    [InlineData(null, null)]
    [InlineData("shop", "orders")]
    [InlineData("shop", "meshlite-operator")]
    [InlineData("meshlite-system", "orders")]
    public async Task Report_AnybodyElse_IsDeniedAndCounted(string? ns, string? serviceAccount)
    {
        var channel = _mesh.Connect(ns is null ? null : await _mesh.CertifyAsync(ns, serviceAccount!));

        var refusal = await Should.ThrowAsync<GrpcException>(() => ReportAsync(channel, new ReportRequest { Sidecars = true }));

        refusal.Code.ShouldBe(GrpcStatusCode.PermissionDenied);
        (await MetricsAsync()).ShouldContain("""meshlite_operator_calls_total{method="Report",result="denied"} 1""");
    }

    [Fact]
    public async Task ReplicaReport_Operator_IsDenied()
    {
        using var call = (await OperatorAsync()).ServerStreaming(MeshMethods.ReplicaReport, new ReportRequest(), cancellationToken: ControlPlaneFixture.Cancelled);

        var refusal = await Should.ThrowAsync<GrpcException>(() => call.ReadAsync(ControlPlaneFixture.Cancelled).AsTask());

        refusal.Code.ShouldBe(GrpcStatusCode.PermissionDenied);
    }

    [Fact]
    public async Task Certify_Operator_LivesAnHourAndIsNotRenewed()
    {
        using var certificate = await _mesh.CertifyAsync("meshlite-system", "meshlite-operator");

        (certificate.NotAfter.ToUniversalTime() - TimeProvider.System.GetUtcNow().UtcDateTime).ShouldBeLessThanOrEqualTo(TimeSpan.FromHours(1));
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var csr = new System.Security.Cryptography.X509Certificates.CertificateRequest("", key, System.Security.Cryptography.HashAlgorithmName.SHA256).CreateSigningRequest();
        var refusal = await Should.ThrowAsync<GrpcException>(() => _mesh.Connect(certificate).UnaryAsync(
            MeshMethods.IdentityCertify, new CertifyRequest { Csr = Google.Protobuf.ByteString.CopyFrom(csr) }, cancellationToken: ControlPlaneFixture.Cancelled));
        refusal.Code.ShouldBe(GrpcStatusCode.PermissionDenied);
        refusal.Message.ShouldContain("by a token each time");
    }

    [Fact]
    public async Task Report_Nothing_SaysVersionClockAndCertificates()
    {
        var report = (await ReportAsync(await OperatorAsync(), new ReportRequest())).ShouldHaveSingleItem();

        report.State.Version.ShouldNotBeEmpty();
        Math.Abs(report.State.Clock - TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds()).ShouldBeLessThan(60_000);
        report.State.Expiring.Select(e => e.Kind).ShouldBe([Expiring.Types.Kind.Issuer, Expiring.Types.Kind.Root, Expiring.Types.Kind.Server]);
        report.State.Expiring.ShouldAllBe(e => e.EndsAt > e.BeginsAt && e.Name.Length > 0);
        report.State.TokenKeyMadeAt.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Report_Sidecars_AreThoseConnectedWithModeCertificateAndWhatTheyHold()
    {
        _mesh.Write("mesh.yaml", "{apiVersion: meshlite.dev/v1alpha1, kind: MeshConfig, metadata: {name: default}, spec: {mtls: {mode: Strict}}}");
        var channel = await OperatorAsync();
        var orders = await _mesh.JoinAsync("orders", "orders", 1001, "v1");
        var first = (await orders.ReadAsync())!;
        (await SidecarsAsync(channel)).ShouldHaveSingleItem().Current.ShouldBeFalse("its first update is out");

        await orders.AckAsync(first);
        // The file may have been read after that update: then there is another to acknowledge.
        await orders.UntilAsync(() => orders.Resources["workload"].Workload.Mtls == MtlsMode.Strict);
        await Eventually.TrueAsync(async () => (await SidecarsAsync(channel)) is [{ Current: true }], "it is current");
        var state = (await SidecarsAsync(channel))[0];
        state.SpiffeId.ShouldBe("spiffe://cluster.local/ns/shop/sa/orders");
        (state.Workload, state.Service, state.Version).ShouldBe(("orders-1", "shop/orders", "test"));
        TimeSpan.FromSeconds(state.CertificateEndsAt - state.CertificateBeginsAt).TotalHours.ShouldBe(24.17, 0.05);
        await Eventually.TrueAsync(async () => (await SidecarsAsync(channel)) is [{ Mtls: "Strict" }], "its mode is the published one");
        (await SidecarsAsync(channel, "bank")).ShouldBeEmpty();

        orders.Dispose();
        await Eventually.TrueAsync(async () => (await SidecarsAsync(channel)).Count == 0, "who has gone is not told");
    }

    [Fact]
    public async Task Report_SidecarRefuses_SaidUntilItTakesTheNext()
    {
        var channel = await OperatorAsync();
        var orders = await _mesh.JoinAsync("orders", "orders", 1001, "v1");
        var update = (await orders.ReadAsync())!;
        await orders.AckAsync(update, [.. update.Resources.Where(r => r.Key == "workload").Select(r => new Rejection { Key = r.Key, Version = r.Version, Reason = "too odd for me" })]);
        await Eventually.TrueAsync(async () => (await SidecarsAsync(channel)) is [{ Refused: ["workload: too odd for me"] }], "it refused");

        _mesh.Write("mesh.yaml", "{apiVersion: meshlite.dev/v1alpha1, kind: MeshConfig, metadata: {name: default}, spec: {mtls: {mode: Strict}}}");
        await orders.NextAsync();
        await Eventually.TrueAsync(async () => (await SidecarsAsync(channel)) is [{ Refused.Count: 0, Current: true }], "it took the next");
    }

    [Fact]
    public async Task Report_Stats_ArePassedOnWhereAskedForAndOddOnesLeftOut()
    {
        var channel = await OperatorAsync();
        var orders = await _mesh.JoinAsync("orders", "orders", 1001, "v1");
        await orders.NextAsync();
        (await SidecarsAsync(channel))[0].Reported.ShouldBeFalse();
        var stats = new Stats { Clock = TimeProvider.System.GetUtcNow().AddHours(-1).ToUnixTimeMilliseconds(), CountingSince = 5 };
        stats.PlaintextCallers.Add(new PlaintextCaller { Address = "10.9.9.9", Connections = 7, Refused = 2, Last = 1000 });
        stats.PlaintextCallers.Add(new PlaintextCaller { Address = "nonsense", Connections = 7 });
        stats.PlaintextCallers.Add(Enumerable.Range(0, 100).Select(i => new PlaintextCaller { Address = $"10.0.0.{i}", Connections = 1 }));
        await orders.SendAsync(new SidecarMessage { Stats = stats });

        await Eventually.TrueAsync(async () => (await SidecarsAsync(channel))[0].Reported, "it has reported");
        var state = (await SidecarsAsync(channel))[0];
        state.Plaintext.ShouldBeEmpty("nobody asked");
        state.CountingSince.ShouldBe(5);
        TimeSpan.FromMilliseconds(state.ClockOffset).TotalMinutes.ShouldBe(-60, 1);
        var calls = (await SidecarsAsync(channel, plaintext: true))[0].Plaintext;
        calls.Count.ShouldBe(31, "32 are kept, the odd one was one of them");
        calls[0].ShouldBe(new PlaintextCall { Address = "10.9.9.9", Connections = 7, Refused = 2, Last = 1000 });
    }

    [Fact]
    public async Task Report_Problems_AreRefusedDocumentsAndWhatHasNoEffect()
    {
        var channel = await OperatorAsync();
        _mesh.Write("a.yaml", "{apiVersion: meshlite.dev/v1alpha1, kind: TrafficRoute, metadata: {name: r, namespace: shop}, spec: {parentRefs: [{kind: Service, name: orders}], rules: [{backendRefs: [{name: stock}]}]}}");
        _mesh.Write("b.yaml", "{apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: p, namespace: shop}, spec: {targetRef: {kind: Service, name: orders}, nonsense: 1}}");

        await Eventually.TrueAsync(
            async () => (await ReportAsync(channel, new ReportRequest { Problems = true }))[0].State.Problems.Select(p => $"{p.Condition} {p.Resource}").Order().SequenceEqual(
                ["Accepted TrafficRoute shop/r", "Invalid TrafficPolicy shop/p (b.yaml:1)", "ResolvedRefs TrafficRoute shop/r"]),
            "all three are told");
        (await ReportAsync(channel, new ReportRequest()))[0].State.Problems.ShouldBeEmpty();

        File.Delete(_mesh.PathOf("a.yaml"));
        File.Delete(_mesh.PathOf("b.yaml"));
        await Eventually.TrueAsync(async () => (await ReportAsync(channel, new ReportRequest { Problems = true }))[0].State.Problems.Count == 0, "none is left");
    }

    private async Task<GrpcChannel> OperatorAsync() => _mesh.Connect(await _mesh.CertifyAsync("meshlite-system", "meshlite-operator"));

    private static async Task<IReadOnlyList<SidecarState>> SidecarsAsync(GrpcChannel channel, string ns = "", bool plaintext = false) =>
        [.. (await ReportAsync(channel, new ReportRequest { Sidecars = true, Namespace = ns, PlaintextCallers = plaintext })).SelectMany(r => r.Sidecars?.Sidecars_ ?? [])];

    private static async Task<IReadOnlyList<ReplicaReport>> ReportAsync(GrpcChannel channel, ReportRequest request)
    {
        using var call = channel.ServerStreaming(MeshMethods.OperatorReport, request, cancellationToken: ControlPlaneFixture.Cancelled);
        List<ReplicaReport> reports = [];
        await foreach (var report in call.ReadAllAsync(ControlPlaneFixture.Cancelled))
        {
            reports.Add(report);
        }

        return reports;
    }

    private async Task<string> MetricsAsync()
    {
        using var http = new HttpClient();
        return await http.GetStringAsync($"http://{_mesh.Host.TelemetryEndPoint}/metrics", ControlPlaneFixture.Cancelled);
    }
}
