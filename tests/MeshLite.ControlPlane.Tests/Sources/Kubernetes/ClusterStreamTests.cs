using MeshLite.ControlPlane.Tests.Streaming;
using MeshLite.Kubernetes;
using MeshLite.Kubernetes.Objects;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Sources.Kubernetes;

/// <summary>From the API server to the stream of a sidecar, through everything between; what can happen to the API server meanwhile.</summary>
public sealed class ClusterStreamTests
{
    private const string Policy = """
        {apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: orders, namespace: shop}, spec: {targetRef: {kind: Service, name: orders}, concurrency: {maxRequests: 7}}}
        """;

    private static readonly ResourceType<RawObject> Policies = ResourceTypes.Raw("meshlite.dev", "v1alpha1", "trafficpolicies", "TrafficPolicy", true);

    [Fact]
    public async Task Service_Appears_SidecarGetsItsEndpoints()
    {
        await using var cluster = await ClusterFixture.BeginAsync();
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => front.Destination("orders") is { Kind: Destination.Types.Kind.NotInMesh });

        cluster.PutPod("orders-1", "orders");
        cluster.PutPod("orders-2", injected: false);
        cluster.PutService("orders", "orders-1", "orders-2", "orders-3!");

        await front.UntilAsync(() => Hosts(front) == "10.1.0.1 10.1.0.2");
        front.Resources["endpoints/shop/orders:80"].Endpoints.Endpoints_.Select(e => e.SpiffeId).ShouldBe(["spiffe://cluster.local/ns/shop/sa/orders", ""]);
    }

    [Fact]
    public async Task Readiness_Flips_OnlyTheDifferenceTravels()
    {
        await using var cluster = await ClusterFixture.BeginAsync();
        cluster.PutPod("orders-1");
        cluster.PutPod("orders-2");
        cluster.PutService("orders", "orders-1", "orders-2");
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1 10.1.0.2");

        cluster.PutSlice("orders", "orders-1!", "orders-2");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.2");
        cluster.PutSlice("orders", "orders-1", "orders-2~");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1");
        cluster.PutSlice("orders", "orders-1!", "orders-2~");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.2");
        cluster.Api.Delete(ResourceTypes.Services, new ObjectKey("shop", "orders"));
        await front.UntilAsync(() => front.Destination("orders") is { Kind: Destination.Types.Kind.Unknown });

        front.Deltas.ShouldBeGreaterThan(0);
    }

    [Fact]
    public async Task Policy_BadVersion_LastGoodStaysInForce()
    {
        await using var cluster = await ClusterFixture.BeginAsync(Policy);
        cluster.PutService("orders");
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => MaxRequests(front) == 7);

        cluster.Api.Put(Policy.Replace("maxRequests: 7", "maxRequests: 8, tpyo: 1", StringComparison.Ordinal));
        cluster.PutService("stock");
        await front.SubscribeAsync("stock");
        await front.UntilAsync(() => front.Destination("stock") is not null);
        await Eventually.TrueAsync(() => cluster.Host.View.Refusals.Count == 1, "the refusal is known");
        MaxRequests(front).ShouldBe(7u);

        cluster.Api.Put(Policy.Replace("maxRequests: 7", "maxRequests: 9", StringComparison.Ordinal));
        await front.UntilAsync(() => MaxRequests(front) == 9);
        cluster.Host.View.Refusals.ShouldBeEmpty();
        cluster.Api.Delete(Policies, new ObjectKey("shop", "orders"));
        await front.UntilAsync(() => MaxRequests(front) == 0);
    }

    [Fact]
    public async Task OwnResource_ComesFromTheClusterNotFromHello()
    {
        await using var cluster = await ClusterFixture.BeginAsync();
        cluster.PutPod("orders-1", "orders", annotations: "meshlite.dev/mtls: Strict");
        cluster.PutService("orders", "orders-1");
        var hello = new Hello { Workload = "orders-1", Service = "bank", AdvertiseAddress = "192.0.2.1", AdvertisePort = 1, AppPort = 1, Ready = true };

        var sidecar = await cluster.JoinAsync("orders", hello);
        await sidecar.UntilAsync(() => sidecar.Resources.GetValueOrDefault("workload")?.Workload.Service?.Name == "orders");
        sidecar.Resources["workload"].Workload.Mtls.ShouldBe(MtlsMode.Strict);

        cluster.PutPod("orders-1", "orders");
        await sidecar.UntilAsync(() => sidecar.Resources.GetValueOrDefault("workload")?.Workload.Mtls == MtlsMode.Permissive);
        cluster.Host.View.Workloads.ShouldBeEmpty();
    }

    [Fact]
    public async Task ApiServer_RestartedAndCompactedMeanwhile_NothingIsMissed()
    {
        await using var cluster = await ClusterFixture.BeginAsync();
        cluster.PutPod("orders-1");
        cluster.PutPod("orders-2");
        cluster.PutService("orders", "orders-1", "orders-2");
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1 10.1.0.2");

        await cluster.Api.StopAsync();
        cluster.PutSlice("orders", "orders-2");
        cluster.Api.Compact();
        await cluster.Api.RestartAsync();
        await front.UntilAsync(() => Hosts(front) == "10.1.0.2");

        cluster.Api.Faults.FailWatches();
        cluster.PutSlice("orders", "orders-1");
        await front.UntilAsync(() => Hosts(front) == "10.1.0.1");
    }

    [Fact]
    public async Task ControlPlane_StartedAgain_SameAuthoritySameConfiguration()
    {
        await using var cluster = await ClusterFixture.BeginAsync(Policy);
        cluster.PutPod("orders-1");
        cluster.PutService("orders", "orders-1");
        var certificate = await cluster.CertifyAsync("shop", "front");
        var before = await cluster.JoinAsync("front", "", authorities: "orders");
        await before.UntilAsync(() => Hosts(before) == "10.1.0.1");

        await cluster.StopAsync();
        await cluster.StartAsync();

        // The certificate of before is good at the authority of after.
        using var after = new TestSidecar(cluster.Connect(certificate));
        await after.SendAsync(new SidecarMessage { Hello = new Hello { Workload = "front-1", Authorities = { "orders" }, Held = { Held(before) } } });
        var first = await after.NextAsync();
        first.Resources.ShouldBeEmpty();
    }

    [Fact]
    public async Task Certify_TokenOfTheCluster_GivesItsIdentity()
    {
        await using var cluster = await ClusterFixture.BeginAsync();

        using var certificate = await cluster.CertifyAsync("shop", "orders");
        SubjectNames.ReadSpiffeId(certificate)!.ToString().ShouldBe("spiffe://cluster.local/ns/shop/sa/orders");

        var revoked = cluster.Api.IssueToken("shop", "orders", JoinToken.Audience);
        cluster.Api.RevokeToken(revoked);
        (await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync(revoked))).Code.ShouldBe(GrpcStatusCode.Unauthenticated);
        (await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync(cluster.Api.IssueToken("shop", "orders", "vault")))).Code.ShouldBe(GrpcStatusCode.Unauthenticated);
        (await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync("garbage"))).Code.ShouldBe(GrpcStatusCode.Unauthenticated);

        await cluster.Api.StopAsync();
        (await Should.ThrowAsync<GrpcException>(() => cluster.CertifyAsync("shop", "orders"))).Code.ShouldBe(GrpcStatusCode.Unavailable);
    }

    [Fact]
    public async Task Slice_OfAThousandEndpoints_OneChangeCostsLittle()
    {
        await using var cluster = await ClusterFixture.BeginAsync();
        string[] pods = [.. Enumerable.Range(0, 1000).Select(i => $"orders-{i / 250}.{i % 250}")];
        foreach (var pod in pods)
        {
            cluster.PutPod(pod);
        }

        cluster.PutService("orders", pods);
        var front = await cluster.JoinAsync("front", "", authorities: "orders");
        await front.UntilAsync(() => front.Resources.GetValueOrDefault("endpoints/shop/orders:80")?.Endpoints.Endpoints_.Count == 1000);

        var (sizes, took) = (new List<int>(), new List<double>());
        for (var i = 0; i < 20; i++)
        {
            var change = pods.ToArray();
            change[i] += "!";
            var begun = TimeProvider.System.GetTimestamp();
            cluster.PutSlice("orders", change);
            var update = await front.NextAsync();
            took.Add(TimeProvider.System.GetElapsedTime(begun).TotalMilliseconds);
            sizes.Add(update.CalculateSize());
            front.Resources["endpoints/shop/orders:80"].Endpoints.Endpoints_.Count.ShouldBe(999);
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"update: {sizes.Max()} bytes at most; from the write at the API server to the sidecar: {took.Order().ElementAt(10):0.0} ms (median), {took.Max():0.0} ms");
        sizes.Max().ShouldBeLessThan(1000);
    }

    private static string Hosts(TestSidecar sidecar) =>
        sidecar.Resources.TryGetValue("endpoints/shop/orders:80", out var resource) ? string.Join(' ', resource.Endpoints.Endpoints_.Select(e => e.Address)) : "absent";

    private static uint? MaxRequests(TestSidecar sidecar) =>
        sidecar.Destination("orders") is { Kind: Destination.Types.Kind.Service } destination ? destination.Backends[0].Policy?.Concurrency?.MaxRequests ?? 0 : null;

    private static IEnumerable<ResourceVersion> Held(TestSidecar sidecar) => sidecar.Resources.Select(r => new ResourceVersion { Key = r.Key, Version = r.Value.Version });
}
