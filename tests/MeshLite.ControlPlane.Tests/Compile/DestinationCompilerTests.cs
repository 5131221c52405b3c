using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.Model;
using MeshLite.Protocol.Mapping;

namespace MeshLite.ControlPlane.Tests.Compile;

public sealed class DestinationCompilerTests
{
    private static readonly MeshCase Everything = MeshCase.Parse("""
        apiVersion: v1
        kind: Service
        metadata: {name: orders, namespace: shop}
        spec: {ports: [{name: http, port: 80}, {name: admin, port: 8080}]}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: a, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders}]
          rules:
          - {matches: [{path: {value: /a}}, {headers: [{name: x, value: y}]}], backendRefs: [{name: orders, subset: v1}, {name: stock, weight: 3}]}
          - {matches: [{path: {type: Exact, value: /a}}], backendRefs: [{name: nobody}]}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficRoute
        metadata: {name: b, namespace: shop}
        spec:
          parentRefs: [{kind: Service, name: orders, port: 80}]
          rules:
          - {matches: [{path: {value: /a}}, {path: {type: RegularExpression, value: "/a.*"}}, {method: GET}], backendRefs: [{name: orders}]}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: a, namespace: shop}
        spec: {targetRef: {kind: Service, name: orders}, subsets: [{name: v1, labels: {version: v1}}], timeouts: {request: 3s}}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: TrafficPolicy
        metadata: {name: b, namespace: shop}
        spec: {targetRef: {kind: Service, name: orders}, loadBalancer: {type: RoundRobin}}
        ---
        apiVersion: meshlite.dev/v1alpha1
        kind: MeshConfig
        metadata: {name: default}
        spec: {timeouts: {connect: 2s, request: 5s, backendRequest: 4s}, retry: {attempts: 1}}
        ---
        kind: Case
        workloads:
        - {name: stock-1, service: stock, address: "10.0.0.1:1"}
        - {name: orders-1, service: orders, address: "10.0.0.2:1", labels: {version: v1}}
        """);

    [Theory]
    [InlineData("orders")]
    [InlineData("orders.shop:8080")]
    [InlineData("stock")]
    [InlineData("nobody.shop")]
    public void Compile_SameFactsInAnyOrder_SameResult(string authority)
    {
        var expected = Version(Everything.View, authority);

        Prop.ForAll(
            Gen.Shuffle(Everything.Changes.ToArray()).ToArbitrary(),
            changes =>
            {
                // Each change also comes a second time, and things that are gone again have been there: only the state counts.
                var view = MeshCase.ViewOf([.. changes, .. changes.Reverse(), new Synced(0)]);
                return Version(view, authority) == expected && Version(view, authority) == expected;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));
    }

    [Fact]
    public void Compile_EveryPartItReads_IsNamedAsDependency() =>
        Prop.ForAll(
            Gen.Shuffle(Everything.Changes.ToArray()).ToArbitrary(),
            changes =>
            {
                // Whenever a change changes the result, it must have touched what the result before said it depends on.
                var view = IndexView.Empty;
                foreach (var change in changes)
                {
                    var touched = new HashSet<IndexKey>();
                    var next = IndexReducer.Apply(view, change, touched);
                    foreach (var authority in (string[])["orders", "orders.shop", "nobody.shop", "stock.shop.svc", "10.0.0.1:1"])
                    {
                        var before = DestinationCompiler.Compile(view, authority, "shop");
                        if (Version(next, authority) != Version(view, authority) && !before.DependsOn.Overlaps(touched))
                        {
                            return false;
                        }
                    }

                    view = next;
                }

                return true;
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(50));

    [Fact]
    public void Compile_MethodsAndPorts_RouteWithPortAttachesOnlyThere()
    {
        DestinationCompiler.Compile(Everything.View, "orders", "shop").Config.Rules.Select(r => r.Name).ShouldBe(["a/0", "a/1", "b/0"]);
        DestinationCompiler.Compile(Everything.View, "orders:8080", "shop").Config.Rules.Select(r => r.Name).ShouldBe(["a/0", "a/1"]);
    }

    [Fact]
    public void Compile_Result_PassesTheReceiversChecks()
    {
        foreach (var authority in (string[])["orders", "orders:8080", "stock", "nobody.shop", "elsewhere", "orders:99"])
        {
            var config = DestinationCompiler.Compile(Everything.View, authority, "shop").Config;
            Should.NotThrow(() => MeshMapper.FromProto(authority, MeshMapper.ToProto(config)));
        }
    }

    private static string Version(IndexView view, string authority) =>
        ContentHash.Of(MeshMapper.ToProto(DestinationCompiler.Compile(view, authority, "shop").Config));
}
