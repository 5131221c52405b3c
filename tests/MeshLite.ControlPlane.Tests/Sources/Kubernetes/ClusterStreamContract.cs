using MeshLite.ControlPlane.Tests.Streaming;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Sources.Kubernetes;

/// <summary>From the API server to the stream of a sidecar, through everything between; what can happen to the API server meanwhile.</summary>
public abstract class ClusterStreamContract(ClusterServer server)
{
    private const string Policy = """
        {apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: orders, namespace: NS}, spec: {targetRef: {kind: Service, name: orders}, concurrency: {maxRequests: 7}}}
        """;

    [Fact]
    public async Task Service_Appears_SidecarGetsItsEndpoints()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server);
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => front.Destination("orders") is { Kind: Destination.Types.Kind.NotInMesh });

        await cluster.PutPodAsync("orders-1", "orders");
        await cluster.PutPodAsync("orders-2", injected: false);
        await cluster.PutServiceAsync("orders", "orders-1", "orders-2", "orders-3!");

        await front.UntilAsync(() => Hosts(front) == "10.1.0.1 10.1.0.2");
        front.Resources[$"endpoints/{cluster.Namespace}/orders:80"].Endpoints.Endpoints_.Select(e => e.SpiffeId).ShouldBe([$"spiffe://cluster.local/ns/{cluster.Namespace}/sa/orders", ""]);
    }

    [Fact]
    public async Task Readiness_Flips_SidecarFollows()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server);
        await cluster.PutPodAsync("orders-1");
        await cluster.PutPodAsync("orders-2");
        await cluster.PutServiceAsync("orders", "orders-1", "orders-2");
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1 10.1.0.2");

        await cluster.PutSliceAsync("orders", "orders-1!", "orders-2");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.2");
        await cluster.PutSliceAsync("orders", "orders-1", "orders-2~");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1");
        await cluster.PutSliceAsync("orders", "orders-1!", "orders-2~");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.2");
        await server.DeleteAsync("Service", cluster.Namespace, "orders");
        await front.UntilAsync(() => front.Destination("orders") is { Kind: Destination.Types.Kind.Unknown });
    }

    [Fact]
    public async Task Policy_BadVersion_LastGoodStaysInForce()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server, Policy);
        await cluster.PutServiceAsync("orders");
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => MaxRequests(front) == 7);

        await cluster.PutAsync(Policy.Replace("maxRequests: 7", "maxRequests: 8, tpyo: 1", StringComparison.Ordinal));
        await Eventually.TrueAsync(() => Refusals(cluster) == 1, "the refusal is known");
        await cluster.PutServiceAsync("stock");
        await front.SubscribeAsync("stock");
        await front.UntilAsync(() => front.Destination("stock") is { Kind: Destination.Types.Kind.Service });
        MaxRequests(front).ShouldBe(7u);

        await cluster.PutAsync(Policy.Replace("maxRequests: 7", "maxRequests: 9", StringComparison.Ordinal));
        await front.UntilAsync(() => MaxRequests(front) == 9);
        await Eventually.TrueAsync(() => Refusals(cluster) == 0, "it is refused no longer");
        await server.DeleteAsync("TrafficPolicy", cluster.Namespace, "orders");
        await front.UntilAsync(() => MaxRequests(front) == 0);
    }

    [Fact]
    public async Task OwnResource_ComesFromTheClusterNotFromHello()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server);
        await cluster.PutPodAsync("orders-1", "orders", annotations: "meshlite.dev/mtls: Strict");
        await cluster.PutServiceAsync("orders", "orders-1");
        var hello = new Hello { Workload = "orders-1", Service = "bank", AdvertiseAddress = "192.0.2.1", AdvertisePort = 1, AppPort = 1, Ready = true };

        var sidecar = await cluster.JoinAsync("orders", hello);
        await sidecar.UntilAsync(() => sidecar.Resources.GetValueOrDefault("workload")?.Workload.Service?.Name == "orders");
        sidecar.Resources["workload"].Workload.Mtls.ShouldBe(MtlsMode.Strict);

        await cluster.PutPodAsync("orders-1", "orders");
        await sidecar.UntilAsync(() => sidecar.Resources["workload"].Workload.Mtls == MtlsMode.Permissive);
        cluster.Host.View.Workloads.ShouldBeEmpty();
    }

    [Fact]
    public async Task ApiServer_HungThenRestartedWithoutItsHistory_NothingIsMissed()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server);
        await cluster.PutPodAsync("orders-1");
        await cluster.PutPodAsync("orders-2");
        await cluster.PutServiceAsync("orders", "orders-1", "orders-2");
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1 10.1.0.2");

        // Who has a certificate needs no API server.
        using var certificate = await cluster.CertifyAsync(cluster.Namespace, "late");
        server.Hang(true);
        using (var late = new TestSidecar(cluster.Connect(certificate)))
        {
            await late.SendAsync(new SidecarMessage { Hello = new Hello { Workload = "late-1", Authorities = { "orders" } } });
            await late.UntilAsync(() => Hosts(late) == "10.1.0.1 10.1.0.2");
        }

        server.Hang(false);
        await server.RestartForgetfulAsync();
        await cluster.PutSliceAsync("orders", "orders-2");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.2");
        await cluster.PutSliceAsync("orders", "orders-1");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1");
    }

    [Fact]
    public async Task ControlPlane_StartedAgain_SameAuthoritySameConfiguration()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server, Policy);
        await cluster.PutPodAsync("orders-1");
        await cluster.PutServiceAsync("orders", "orders-1");
        using var certificate = await cluster.CertifyAsync(cluster.Namespace, "front");
        var before = await cluster.JoinAsync("front", "", authorities: "orders");
        await before.UntilAsync(() => Hosts(before) == "10.1.0.1");

        await cluster.StopAsync();
        await ((ControlPlaneFixture)cluster).StartAsync();

        // The certificate of before is good at the authority of after.
        using var after = new TestSidecar(cluster.Connect(certificate));
        await after.SendAsync(new SidecarMessage { Hello = new Hello { Workload = "front-1", Authorities = { "orders" }, Held = { Held(before) } } });
        (await after.NextAsync()).Resources.ShouldBeEmpty();
    }

    [Fact]
    public async Task Certify_TokenOfTheCluster_GivesItsIdentity()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server);
        using var certificate = await cluster.CertifyAsync(cluster.Namespace, "orders");
        SubjectNames.ReadSpiffeId(certificate)!.ToString().ShouldBe($"spiffe://cluster.local/ns/{cluster.Namespace}/sa/orders");

        (await RefusedAsync(cluster, await server.IssueTokenAsync(cluster.Namespace, "orders", "vault"))).ShouldBe(GrpcStatusCode.Unauthenticated);
        (await RefusedAsync(cluster, "garbage")).ShouldBe(GrpcStatusCode.Unauthenticated);

        var good = await server.IssueTokenAsync(cluster.Namespace, "orders", JoinToken.Audience);
        await server.StopAsync();
        (await RefusedAsync(cluster, good)).ShouldBe(GrpcStatusCode.Unavailable);
        await server.StartAgainAsync();
        using var late = await cluster.CertifyAsync(good);
    }

    /// <summary>Who steals a key, and not the token that the kubelet renews, has it until the certificate ends.</summary>
    [Fact]
    public async Task Certify_Renewal_TakesTheTokenOfTheSameIdentityToo()
    {
        await using var cluster = await ClusterFixture.BeginAsync(server);
        using var held = await cluster.CertifyAsync(cluster.Namespace, "orders");
        var own = await server.IssueTokenAsync(cluster.Namespace, "orders", JoinToken.Audience);

        var alone = await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync(null, held));
        var withGarbage = await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync("garbage", held));
        var withAnothers = await Should.ThrowAsync<GrpcException>(async () => await cluster.CertifyAsync(await server.IssueTokenAsync(cluster.Namespace, "payments", JoinToken.Audience), held));
        using var renewed = await cluster.CertifyAsync(own, held);

        (alone.Code, withGarbage.Code, withAnothers.Code).ShouldBe((GrpcStatusCode.Unauthenticated, GrpcStatusCode.Unauthenticated, GrpcStatusCode.PermissionDenied));
        alone.Message.ShouldContain("own service-account token has to come with it");
        withAnothers.Message.ShouldContain($"/sa/payments, the certificate of spiffe://cluster.local/ns/{cluster.Namespace}/sa/orders");
        SubjectNames.ReadSpiffeId(renewed)!.ServiceAccount.ShouldBe("orders");
        var metrics = await new HttpClient().GetStringAsync(new Uri($"http://{cluster.Host.TelemetryEndPoint}/metrics"), TestContext.Current.CancellationToken);
        foreach (var (outcome, count) in new (string, int)[] { ("renewal_without_token", 1), ("token_of_another", 1), ("token_refused", 1), ("renewal", 1) })
        {
            metrics.ShouldContain($"meshlite_certifications_total{{outcome=\"{outcome}\"}} {count}");
        }
    }

    private static async Task<GrpcStatusCode> RefusedAsync(ClusterFixture cluster, string token) => (await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync(token))).Code;

    private static int Refusals(ClusterFixture cluster) => cluster.Host.View.Refusals.Keys.Count(key => key.Namespace == cluster.Namespace);

    private static string Hosts(TestSidecar sidecar) =>
        sidecar.Resources.SingleOrDefault(r => r.Key.StartsWith("endpoints/", StringComparison.Ordinal) && r.Key.EndsWith("/orders:80", StringComparison.Ordinal)) is { Value: { } resource }
            ? string.Join(' ', resource.Endpoints.Endpoints_.Select(e => e.Address)) : "absent";

    private static uint? MaxRequests(TestSidecar sidecar) =>
        sidecar.Destination("orders") is { Kind: Destination.Types.Kind.Service } destination ? destination.Backends[0].Policy?.Concurrency?.MaxRequests ?? 0 : null;

    private static IEnumerable<ResourceVersion> Held(TestSidecar sidecar) => sidecar.Resources.Select(r => new ResourceVersion { Key = r.Key, Version = r.Value.Version });
}

/// <summary>Against the fake.</summary>
public sealed class FakeClusterStreamTests(FakeClusterServer server) : ClusterStreamContract(server), IClassFixture<FakeClusterServer>;

/// <summary>Against a real one.</summary>
public sealed class RealClusterStreamTests(RealClusterServer server) : ClusterStreamContract(server), IClassFixture<RealClusterServer>;
