using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;

namespace MeshLite.ControlPlane.Tests.Streaming;

/// <summary>The whole control plane over real TLS and gRPC.</summary>
public sealed class ConfigurationStreamTests : IAsyncLifetime
{
    private readonly ControlPlaneFixture _mesh = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _mesh.DisposeAsync();

    [Fact]
    public async Task Stream_JoinSubscribeChangeLeave_FollowsEverything()
    {
        await _mesh.StartAsync();
        var orders = await _mesh.JoinAsync("orders", "orders", 1001, "v1");
        var first = await orders.NextAsync();
        first.Resources.Select(r => r.Key).ShouldBe(["mesh", "workload"]);
        first.Resources[0].Mesh.TrustBundle.Count.ShouldBe(1);
        first.Resources[1].Workload.SpiffeId.ShouldBe("spiffe://cluster.local/ns/shop/sa/orders");

        var front = await _mesh.JoinAsync("front", authorities: "orders");
        await front.UntilAsync(() => front.Destination("orders") is not null);
        front.Destination("orders")!.Kind.ShouldBe(Destination.Types.Kind.Service);
        front.Endpoints("shop/orders:80").ShouldBe("1001");

        var orders2 = await _mesh.JoinAsync("orders2", "orders", 1002, "v2");
        await front.UntilAsync(() => front.Endpoints("shop/orders:80") == "1001 1002");
        front.Deltas.ShouldBe(1);

        await orders2.SendAsync(new SidecarMessage { Health = new Health { Ready = true, Draining = true } });
        await front.UntilAsync(() => front.Endpoints("shop/orders:80") == "1001");

        await front.SubscribeAsync("nobody.shop", "example.com");
        await front.UntilAsync(() => front.Destination("example.com") is not null);
        front.Destination("nobody.shop")!.Kind.ShouldBe(Destination.Types.Kind.Unknown);
        front.Destination("example.com")!.Kind.ShouldBe(Destination.Types.Kind.NotInMesh);

        _mesh.Write("routes.yaml", """
            apiVersion: meshlite.dev/v1alpha1
            kind: TrafficRoute
            metadata: {name: r, namespace: shop}
            spec:
              parentRefs: [{kind: Service, name: orders}]
              rules: [{name: all, backendRefs: [{name: stock}]}]
            """);
        await front.UntilAsync(() => front.Destination("orders")!.Rules[0].Name == "r/all");
        front.Destination("orders")!.Backends[1].Missing.ShouldBeTrue();

        await _mesh.JoinAsync("stock", "stock", 1003, "v1");
        await front.UntilAsync(() => !front.Destination("orders")!.Backends[1].Missing);
        await front.UntilAsync(() => front.Endpoints("shop/stock:80") == "1003");

        await front.UnsubscribeAsync("orders");
        await front.UntilAsync(() => front.Endpoints("shop/orders:80") == "absent");
        front.Endpoints("shop/stock:80").ShouldBe("absent");
        front.Destination("orders").ShouldBeNull();
    }
}
