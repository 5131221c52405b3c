using System.Collections.Immutable;
using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Google.Protobuf;
using MeshLite.ControlPlane.Compile;
using MeshLite.ControlPlane.Index;
using MeshLite.ControlPlane.Publish;
using MeshLite.ControlPlane.Resources;
using MeshLite.ControlPlane.Resources.Cluster;
using MeshLite.Model;

namespace MeshLite.ControlPlane.Tests.Index;

public sealed class ClusterReducerTests
{
    private static readonly string[] PodNames = ["p1", "p2", "p3"];
    private static readonly string[] Addresses = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];

    private static readonly Gen<IndexChange> Pods =
        from name in Gen.Elements(PodNames) from present in Gen.Elements(true, true, false) from injected in Gen.Elements(true, false) from host in Gen.Elements(true, false, false)
        from addresses in Gen.SubListOf(Addresses) from version in Gen.Elements("v1", "v2") from mtls in Gen.Elements<MtlsMode?>(null, MtlsMode.Strict)
        from skip in Gen.SubListOf(8080) from opaque in Gen.SubListOf(8080, 8081)
        select (IndexChange)new PodChange(new PodKey("shop", name), !present ? null : new PodResource
        {
            Key = new PodKey("shop", name), ServiceAccount = "sa", Injected = injected, HostNetwork = host, Mtls = mtls, SkipInboundPorts = [.. skip], OpaquePorts = [.. opaque],
            Addresses = [.. addresses.Select(IPAddress.Parse)], Labels = ImmutableSortedDictionary<string, string>.Empty.Add("version", version),
        }, 0);

    private static readonly Gen<SliceEndpoint> Endpoints =
        from pod in Gen.Elements([null, .. PodNames]) from address in Gen.Elements(Addresses) from ready in Gen.Elements(true, false) from terminating in Gen.Elements(true, false)
        select new SliceEndpoint(IPAddress.Parse(address), ready, true, terminating, pod is null ? null : new PodKey("shop", pod));

    private static readonly Gen<IndexChange> Slices =
        from name in Gen.Elements("s1", "s2") from service in Gen.Elements("a", "b", null) from endpoints in Endpoints.ListOf() from ports in Gen.SubListOf(new SlicePort("x", 8080), new SlicePort("y", 8081))
        select (IndexChange)new SliceChange(new SliceKey("shop", name), service is null ? null : new EndpointSliceResource
        {
            Key = new SliceKey("shop", name), Service = new ServiceKey("shop", service), Ports = [.. ports], Endpoints = [.. endpoints.Take(5)],
        }, 0);

    private static readonly Gen<IndexChange> Changes = Gen.OneOf(
        Pods, Slices, Slices,
        from name in Gen.Elements("a", "b") from present in Gen.Elements(true, false) from external in Gen.Elements(null, null, "b.shop.svc.cluster.local") from protocol in Gen.Elements(AppProtocol.Detect, AppProtocol.Tcp)
        select (IndexChange)new ResourceChange(new(ResourceKind.Service, "shop", name), !present ? null : new ServiceResource
        {
            Key = new(ResourceKind.Service, "shop", name), Origin = ResourceOrigin.InCluster(DateTimeOffset.UnixEpoch), ExternalName = external,
            Ports = [new("x", 80, null, AppProtocol.Detect), new("y", 81, null, protocol)],
        }, 0),
        from name in Gen.Elements("shop", "bank") from present in Gen.Elements(true, false) from mtls in Gen.Elements<MtlsMode?>(null, MtlsMode.Strict)
        select (IndexChange)new NamespaceChange(name, present ? new NamespaceResource { Name = name, Mtls = mtls } : null, 0));

    private static readonly PublishKey[] Everything =
    [
        new DestinationKey("a", "shop"), new DestinationKey("b.shop:81", ""), new DestinationKey("c.bank", ""), new PodPublishKey(new SpiffeId("cluster.local", "shop", "sa"), "p1"),
        .. Addresses.SelectMany(address => new[] { 80, 8080, 15006, 15020 }.Select(port => new DestinationKey($"{address}:{port}", ""))),
        .. new[] { "a", "b", "10-1-0-1.pod", "10-1-0-2.pod" }.SelectMany(name => new[] { 80, 81 }.Select(port => new EndpointsKey(new ServiceRef("shop", name, port)))),
    ];

    [Fact]
    public void Apply_AnyHistory_SameViewAsFromItsOutcome() =>
        Prop.ForAll(Changes.ArrayOf().ToArbitrary(), changes =>
        {
            var outcome = changes.GroupBy(KeyOf).Select(g => g.Last()).Reverse();
            return Describe(Apply(changes).Cluster) == Describe(Apply(outcome).Cluster);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    [Fact]
    public void Apply_WhateverChanges_TouchesWhatCompilesDifferently() =>
        Prop.ForAll(Changes.ArrayOf().ToArbitrary(), Changes.ToArbitrary(), (history, change) =>
        {
            var before = Apply(history);
            var touched = new HashSet<IndexKey>();
            var after = IndexReducer.Apply(before, change, touched);
            return Everything.Where(key => !key.Compile(before).DependsOn.Overlaps(touched))
                .All(key => key.Compile(before).Resource.ToByteString().Equals(key.Compile(after).Resource.ToByteString()));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Apply_ReadinessOfAnEndpoint_TouchesTheEndpointsOfItsServiceOnly()
    {
        var touched = new HashSet<IndexKey>();

        IndexReducer.Apply(Apply([Pod("p1", "10.1.0.1"), Slice(true, "p1", "p2")]), Slice(false, "p1", "p2"), touched);

        touched.ShouldBe([IndexKey.Workloads(new("shop", "a"))]);
    }

    [Fact]
    public void Apply_PodJoinsASlice_TouchesThatPodToo()
    {
        var touched = new HashSet<IndexKey>();

        IndexReducer.Apply(Apply([Slice(true, "p1")]), Slice(true, "p1", "p2"), touched);

        touched.ShouldBe([IndexKey.Workloads(new("shop", "a")), IndexKey.OfPod(new("shop", "p2"))], ignoreOrder: true);
    }

    [Fact]
    public void Apply_NothingTheMeshGoesBy_TouchesNothing()
    {
        var view = Apply([Pod("p1", "10.1.0.1"), Slice(true, "p1"), new NamespaceChange("shop", new NamespaceResource { Name = "shop" }, 0)]);
        var touched = new HashSet<IndexKey>();

        var after = new[] { Pod("p1", "10.1.0.1"), Slice(true, "p1"), new NamespaceChange("shop", new NamespaceResource { Name = "shop" }, 0), new PodChange(new("shop", "none"), null, 0) }
            .Aggregate(view, (v, change) => IndexReducer.Apply(v, change, touched));

        touched.ShouldBeEmpty();
        after.Cluster.ShouldBeSameAs(view.Cluster);
    }

    [Fact]
    public void Apply_LabelsOfAPod_TouchTheEndpointsItIsAmong()
    {
        var touched = new HashSet<IndexKey>();
        var pod = (PodChange)Pod("p1", "10.1.0.1");

        IndexReducer.Apply(Apply([pod, Slice(true, "p1")]), pod with { Value = pod.Value! with { Labels = pod.Value.Labels.Add("version", "v2") } }, touched);

        touched.ShouldBe([IndexKey.OfPod(new("shop", "p1")), IndexKey.OfAddress(IPAddress.Parse("10.1.0.1")), IndexKey.Workloads(new("shop", "a"))], ignoreOrder: true);
    }

    private static IndexView Apply(IEnumerable<IndexChange> changes) =>
        changes.Aggregate(IndexView.Empty, (view, change) => IndexReducer.Apply(view, change, new HashSet<IndexKey>()));

    private static object KeyOf(IndexChange change) => change switch
    {
        PodChange pod => pod.Key,
        SliceChange slice => slice.Key,
        NamespaceChange ns => ns.Name,
        ResourceChange resource => resource.Key,
        _ => throw new ArgumentOutOfRangeException(nameof(change)),
    };

    private static string Describe(ClusterView view) => string.Join('\n',
        Sorted(view.Pods, p => $"{string.Join(',', p.Addresses)} {p.Injected} {p.Labels["version"]}"),
        Sorted(view.PodsAt, keys => Sorted(keys)),
        Sorted(view.Slices, s => $"{s.Service} {string.Join(',', s.Ports)} {string.Join(',', s.Endpoints)}"),
        Sorted(view.SlicesOf, keys => Sorted(keys)),
        Sorted(view.SlicesWith, keys => Sorted(keys)),
        Sorted(view.Namespaces, ns => $"{ns.Mtls}"));

    private static string Sorted<TKey, T>(IEnumerable<KeyValuePair<TKey, T>> map, Func<T, string> describe) => Sorted(map.Select(p => $"{p.Key}=[{describe(p.Value)}]"));

    private static string Sorted<T>(IEnumerable<T> items) => string.Join(' ', items.Select(i => i!.ToString()).Order(StringComparer.Ordinal));

    private static IndexChange Pod(string name, string address) => new PodChange(new("shop", name), new PodResource
    {
        Key = new("shop", name), Injected = true, Addresses = [IPAddress.Parse(address)],
    }, 0);

    private static IndexChange Slice(bool ready, params string[] pods) => new SliceChange(new("shop", "s1"), new EndpointSliceResource
    {
        Key = new("shop", "s1"), Service = new("shop", "a"), Ports = [new("", 8080)],
        Endpoints = [.. pods.Select((pod, i) => new SliceEndpoint(IPAddress.Parse(Addresses[i]), ready, true, false, new PodKey("shop", pod)))],
    }, 0);
}
